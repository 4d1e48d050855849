"""Workbooks for Excel: numbers and instants as such, and every text as text, whatever it begins
with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

MOST_ROWS = 1_048_576  # of one sheet, its headings included
LONGEST_TEXT = 32_767  # of one cell
LARGEST = 10**15  # from here on Excel rounds, so a number is written as text
INSTANT, DAY = "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_workbook(file: IO[bytes], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write the rows under their headings, on as many sheets as it takes, in constant memory. Excel
    knows no time zones: an instant is written as its own zone's clock shows it, to the second, and
    the heading says which zone that is.
    """
    import xlsxwriter  # the receiver and the jobs would load it at their start

    book = xlsxwriter.Workbook(file, OPTIONS)
    formats = {
        datetime: book.add_format({"num_format": INSTANT}),
        date: book.add_format({"num_format": DAY}),
    }
    sheet, line = None, MOST_ROWS
    for row in rows:
        if line == MOST_ROWS:
            sheet, line = _headed(book, names), 1
        for place, value in enumerate(row):
            _write(sheet, line, place, value, formats)
        line += 1
    if sheet is None:
        _headed(book, names)
    book.close()


def _headed(book: Any, names: Sequence[str]) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for place, name in enumerate(names):
        sheet.write_string(0, place, name, bold)
    return sheet


def _write(
    sheet: Any, line: int, place: int, value: Any, formats: Mapping[type[date], Any]
) -> None:
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(line, place, value)
        case int() | float() | Decimal() if -LARGEST < value < LARGEST:
            sheet.write_number(line, place, value)
        case datetime():
            plain = value.replace(tzinfo=None, microsecond=0)
            sheet.write_datetime(line, place, plain, formats[datetime])
        case date():
            sheet.write_datetime(line, place, value, formats[date])
        case _:
            sheet.write_string(line, place, str(value)[:LONGEST_TEXT])
