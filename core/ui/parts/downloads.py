"""What is shown, as a file: exactly its rows, with the values behind the words. Each file that a
member takes stands in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import pandas as pd
import streamlit as st

from core.metrics.exports import record_download
from core.platform.errors import NotAllowed
from core.platform.notation import notation
from core.platform.spreadsheets import DECIMAL_COMMA, PLAIN, Dialect, workbook, write_csv
from core.tenancy.access.sessions import viewer_of
from core.tenancy.access.viewers import Viewer
from core.ui.parts.columns import Column, Moment
from core.ui.parts.query_params import ORGANIZATION
from core.ui.parts.reader import reader
from core.ui.server.middleware import COOKIE

# Under which table the audit log has a list whose key is another word: whoever narrows the log to
# bookings finds these too.
TABLES = {"bookings": "events"}
NO_FILTER = (ORGANIZATION, "saved", "search")  # a search is mostly for a person's name


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    key: str
    label: str
    suffix: str
    mime: str
    dialect: Dialect = PLAIN


CSV = Format("csv", "CSV", "csv", "text/csv")
CSV_DECIMAL_COMMA = Format("csv;", "CSV for Excel (;)", "csv", "text/csv", DECIMAL_COMMA)
XLSX = Format(
    "xlsx",
    "Excel (XLSX)",
    "xlsx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)


@dataclass(frozen=True)
class Download:
    """Rows that can be taken as a file named like the list ``key``; ``filters`` are what they are
    narrowed to, and ``token`` is that of the session in which ``taken_by`` reads the page.
    """

    key: str
    columns: Sequence[Column]
    frames: Callable[[], Iterable[pd.DataFrame]]
    taken_by: Viewer | None
    filters: Mapping[str, str | int | bool]
    token: str | None

    def content(self, fmt: Format) -> bytes:
        """The file, noted in the audit log before it leaves.

        A page stays open in the browser after its session has ended, and so do its buttons. Raises
        NotAllowed unless the session is still that of whoever reads the page.
        """
        reads = self.taken_by
        if reads is not None and viewer_of(self.token, reads.organization_id) != reads:
            raise NotAllowed("Your session has ended or changed. Reload the page to download.")
        names, rows = values_of(self.frames(), self.columns, zones=fmt is XLSX)
        lines = list(rows)
        if reads is not None:
            details = {**self.filters, "rows": len(lines)}
            with reads.transaction() as db:
                record_download(db, TABLES.get(self.key, self.key), fmt.suffix, details)
        if fmt is XLSX:
            return workbook(names, lines)
        return b"".join(write_csv(names, lines, fmt.dialect))


def formats_for_reader() -> list[Format]:
    """The kinds of file to choose from: where the comma is the decimal sign, Excel opens an
    ordinary CSV as one column, so there is one of its own.
    """
    has_comma = notation().decimal_sign == ","
    return [CSV, *([CSV_DECIMAL_COMMA] if has_comma else []), XLSX]


def offer_download(
    key: str, columns: Sequence[Column], frames: Callable[[], Iterable[pd.DataFrame]]
) -> None:
    """A menu with a button for each kind of file."""
    viewer = reader()
    is_looking_as = viewer is not None and viewer.seen_by is not None
    token = st.context.cookies.get(COOKIE)
    download = Download(key, columns, frames, viewer, _filters(), token)
    with st.popover(
        "Download",
        icon=":material/download:",
        disabled=is_looking_as,
        help="Not while you view as somebody else." if is_looking_as else None,
    ):
        for fmt in formats_for_reader():
            st.download_button(
                fmt.label,
                partial(download.content, fmt),
                f"{key}.{fmt.suffix}",
                fmt.mime,
                key=f"{key} download {fmt.key}",
                on_click="ignore",
                width="stretch",
            )


def _filters() -> dict[str, str | int | bool]:
    """What the address narrows the rows to, for the audit log; of a table's own parameters, which
    have a dot in their names, only that it is searched.
    """
    narrowed: dict[str, str | int | bool] = {
        name: ", ".join(st.query_params.get_all(name))
        for name in st.query_params
        if name not in NO_FILTER and "." not in name and st.query_params[name]
    }
    is_searched = any(name.rpartition(".")[2] == "search" for name in st.query_params)
    return narrowed | ({"searched": True} if is_searched else {})


def values_of(
    frames: Iterable[pd.DataFrame], columns: Sequence[Column], *, zones: bool = False
) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """The headings of a download and its rows, one frame in memory at a time. With ``zones`` the
    headings of instants name their zone, for a file that cannot say it beside each.
    """
    pieces = iter(frames)
    first = _exported(next(pieces), columns)
    zone_of = {each.label: each.timezone for each in columns if isinstance(each, Moment)}
    names = [f"{name} ({zone_of[name]})" if zones and name in zone_of else name for name in first]
    others = (_exported(piece, columns) for piece in pieces)
    return names, chain.from_iterable(
        zip(*values.values(), strict=True) for values in chain([first], others)
    )


def _exported(rows: pd.DataFrame, columns: Sequence[Column]) -> dict[str, list[Any]]:
    return {name: each for column in columns for name, each in column.exported(rows).items()}


def csv_of(
    frames: Iterable[pd.DataFrame], columns: Sequence[Column], dialect: Dialect = PLAIN
) -> bytes:
    """The values of ``columns`` as CSV: instants with their offset, amounts as decimal numbers, and
    text that a spreadsheet would run as a formula as text.
    """
    return b"".join(write_csv(*values_of(frames, columns), dialect))
