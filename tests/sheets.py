"""Workbooks, read as a spreadsheet reads them."""

import io
from itertools import islice

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape


def sheet_of(content):
    """The rows of a workbook by their headings, over all of its sheets."""
    book = load_workbook(io.BytesIO(content), read_only=True)
    rows = []
    for sheet in book.worksheets:
        lines = sheet.iter_rows(values_only=True)
        [headings] = islice(lines, 1)
        rows += [dict(zip(headings, map(_plain, line), strict=True)) for line in lines]
    return rows


def _plain(value):
    """A carriage return is written as ``_x000D_``."""
    return unescape(value) if isinstance(value, str) else value
