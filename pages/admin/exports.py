"""Exports: whole tables, streamed, in the format of your choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.metrics.export_columns import GROUPS, ExportTable
from core.metrics.export_queries import BY_NAME, Written
from core.metrics.export_tables import EXPORTS
from core.metrics.exports import preview
from core.metrics.own_columns import with_own_columns
from core.platform.clock import Period
from core.platform.notation import notation
from core.tenancy.access.audit import actor, latest_exports, names_in, table_label
from core.ui.page import export_address, go, require, title
from core.ui.panels.saved_views import link_saved_views, offer_saved_views
from core.ui.parts.columns import Column, Moment, Number, Text
from core.ui.parts.drill import DAYS
from core.ui.parts.filters import period_picker
from core.ui.parts.format import days, escape_markdown, plural
from core.ui.parts.tables import plain_table

FEW = 10  # rows of the preview
LATEST = 5  # exports
DECIMAL_COMMA = "csv;"
FORMATS = {
    "csv": "CSV",
    DECIMAL_COMMA: "CSV for Excel (;)",
    "xlsx": "Excel",
    "json": "JSON lines",
    "parquet": "Parquet",
}
FOR_PEOPLE = ("csv", DECIMAL_COMMA, "xlsx")  # the others are read by programs

viewer = require("exports")


def choose_table() -> ExportTable:
    """The table to export, of those that the viewer may read."""
    names = {
        table.label: table
        for table in EXPORTS.values()
        if viewer.has(table.module) and (viewer.is_admin or not table.admins_only)
    }
    label = st.selectbox("Table", list(names), key="table", bind="query-params")
    with viewer.transaction() as db:
        return with_own_columns(db, names[label or next(iter(names))])


def choose_columns(table: ExportTable) -> list[str]:
    """The columns to export, chosen group by group, in the order in which people read them; all of
    them to begin with.
    """
    every = table.names_for_people
    chosen: set[str] = set()
    with st.expander(f"Columns: {len(every)} in {len(GROUPS)} groups"):
        st.caption("Click a column to leave it out or to take it back in.")
        for group in GROUPS:
            names = [each for each in every if table.group(each) == group]
            if not names:
                continue
            labels = [table.heading(name) for name in names]
            picked = st.pills(
                group,
                labels,
                selection_mode="multi",
                default=labels,
                key=f"{table.name} {group}",
                bind="query-params",
            )
            chosen |= {name for name in names if table.heading(name) in picked}
    return [name for name in every if name in chosen]


def choose_format() -> str:
    """How the file is written; a country with a decimal comma has a CSV of its own."""
    offered = [key for key in FORMATS if key != DECIMAL_COMMA or notation().decimal_sign == ","]
    chosen = st.segmented_control(
        "Format",
        offered,
        format_func=FORMATS.__getitem__,
        default="csv",
        required=True,
        key="format",
        bind="query-params",
        help="CSV and Excel have the headings and words of the screens. JSON lines and Parquet are"
        " for programs: they have the names and words of the API.",
    )
    return chosen or "csv"


@dataclass(frozen=True)
class Asked:
    """What is to be in the file: which columns of which table and period, and how written."""

    table: ExportTable
    columns: list[str]
    fmt: str
    period: Period | None

    @property
    def written(self) -> Written:
        """How the file is written for its readers."""
        return Written(for_people=True, timezone=viewer.timezone) if self.is_for_people else BY_NAME

    @property
    def is_for_people(self) -> bool:
        """Whether people read it, and no program."""
        return self.fmt in FOR_PEOPLE

    def address(self) -> str:
        """Where the file is."""
        asked = {"format": "csv" if self.fmt == DECIMAL_COMMA else self.fmt}
        if self.period is not None:
            asked |= {"start": self.period.start.isoformat(), "end": self.period.end.isoformat()}
        if self.columns != self.written.names(self.table):
            asked["columns"] = ",".join(self.columns)
        if self.is_for_people:
            asked["headings"] = "people"
        if self.fmt == DECIMAL_COMMA:
            asked["decimal"] = "comma"
        return export_address(viewer, self.table.name, asked)

    def column(self, name: str) -> Column:
        """One of its columns in the preview."""
        table, label = self.table, self.written.name(self.table, name)
        if not self.is_for_people:
            return Text(name, label)
        if table.is_instant(name):
            return Moment(name, table.heading(name), viewer.timezone)
        return Text(name, label)


def show_preview(asked: Asked, rows: list[Any]) -> None:
    """The first rows, as the screens write them."""
    columns = [asked.column(name) for name in asked.columns]
    values = [
        [
            value if value is None or isinstance(column, Moment) else str(value)
            for column, value in zip(columns, row, strict=True)
        ]
        for row in rows
    ]
    plain_table(
        pd.DataFrame(values, columns=asked.columns, dtype=object), "preview", columns=columns
    )


def show_file(asked: Asked) -> None:
    """What the file holds in a sentence, the way to it, and its first rows."""
    table, period = asked.table, asked.period
    with viewer.transaction() as db:
        rows, count = preview(
            db, table.name, period=period, columns=asked.columns, written=asked.written, limit=FEW
        )
    what = [table.holds]
    if table.date and period is not None:
        what.append(f"“{table.heading(table.date)}” is in {days(period.start, period.end)}.")
    else:
        what.append("All rows, whatever the period.")
    size = f"{plural(count, 'row', 'rows')}, {plural(len(asked.columns), 'column', 'columns')}."
    st.markdown(escape_markdown(" ".join([*what, size])))
    st.link_button(
        f"Download {plural(count, 'row', 'rows')}",
        asked.address(),
        type="primary",
        icon=":material/download:",
    )
    if not rows:
        st.caption("No rows: nothing was recorded in this period.")
        return
    of = f"the first {len(rows)} of " if count > len(rows) else ""
    st.caption(f"Preview: {of}{plural(count, 'row', 'rows')}, the earliest first")
    show_preview(asked, rows)


def show_latest() -> None:
    """What was taken out last, of which only admins may read."""
    if not viewer.is_admin:
        return
    with viewer.transaction() as db:
        lines = latest_exports(db, LATEST)
        names = names_in(db, lines)
    st.subheader("Last exports")
    if not lines:
        st.caption("Nothing was downloaded yet. Each file is recorded here and in the audit log.")
        return
    plain_table(
        pd.DataFrame(
            {
                "table": [table_label(line.table_name) for line in lines],
                "who": [actor(line, names) for line in lines],
                "at": [line.at for line in lines],
                "rows": [line.changes.get("rows") for line in lines],
                "format": [str(line.changes.get("format", "")).upper() for line in lines],
            }
        ),
        "latest-exports",
        columns=[
            Text("table", "What"),
            Text("who", "Who"),
            Moment("at", "When", viewer.timezone),
            Number("rows", "Rows"),
            Text("format", "Format"),
        ],
    )
    go("audit", "All of them in the audit log", operation="Exported", view="Every change")


title(
    "Exports",
    viewer,
    "Exports contain only what you can see. Each export is recorded in the audit log",
)
groups = [f"{name} {group}" for name in EXPORTS for group in GROUPS]
offer_saved_views(viewer, "exports", "exports", *DAYS, "table", "format", *groups)
link_saved_views(viewer, "exports", "exports")
first, second = st.columns(2, vertical_alignment="bottom")
with first:
    table = choose_table()
with second:
    period = period_picker(viewer) if table.date else None
fmt = choose_format()
columns = choose_columns(table)
if fmt not in FOR_PEOPLE:
    columns = [name for name in table.names if name in columns]
if columns:
    show_file(Asked(table, columns, fmt, period))
else:
    st.info("Choose at least one column.")
show_latest()
