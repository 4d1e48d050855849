"""Exports: whole tables, streamed, in the format of your choice."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.metrics.export_tables import EXPORTS, GROUPS, ExportTable
from core.metrics.exports import preview
from core.metrics.own_columns import with_own_columns
from core.platform.clock import Period
from core.platform.notation import notation
from core.ui.page import export_address, require, title
from core.ui.panels.saved_views import offer_saved_views
from core.ui.parts.columns import Text
from core.ui.parts.filters import period_picker
from core.ui.parts.format import plural
from core.ui.parts.tables import plain_table

FEW = 10  # rows of the preview
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
    """The columns to export, chosen group by group; all of them to begin with."""
    of = {group: [each for each in table.names if table.group(each) == group] for group in GROUPS}
    chosen: set[str] = set()
    with st.expander("Columns"):
        for group, names in of.items():
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
    return [name for name in table.names if name in chosen]


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
    )
    return chosen or "csv"


def address_of_file(table: ExportTable, columns: list[str], fmt: str, period: Period | None) -> str:
    """Where the file is."""
    asked = {"format": "csv" if fmt == DECIMAL_COMMA else fmt}
    if period is not None:
        asked |= {"start": period.start.isoformat(), "end": period.end.isoformat()}
    if columns != table.names:
        asked["columns"] = ",".join(columns)
    if fmt in FOR_PEOPLE:
        asked["headings"] = "people"
    if fmt == DECIMAL_COMMA:
        asked["decimal"] = "comma"
    return export_address(viewer, table.name, asked)


def show_preview(table: ExportTable, columns: list[str], period: Period | None) -> None:
    """The first rows, and how many there are in all."""
    with viewer.transaction() as db:
        rows, count = preview(db, table.name, period=period, columns=columns, limit=FEW)
    if not rows:
        st.caption("No rows: nothing was recorded in this period.")
        return
    of = f"the first {len(rows)} of " if count > len(rows) else ""
    st.caption(f"Preview: {of}{plural(count, 'row', 'rows')}")
    texts = [[None if value is None else str(value) for value in row] for row in rows]
    plain_table(
        pd.DataFrame(texts, columns=columns, dtype=object),
        "preview",
        columns=[Text(name, table.heading(name)) for name in columns],
    )


title(
    "Exports",
    viewer,
    "Exports contain only what you can see. Each export is recorded in the audit log",
)
offer_saved_views(viewer, "exports", "exports")
first, second = st.columns(2, vertical_alignment="bottom")
with first:
    table = choose_table()
with second:
    period = period_picker(viewer) if table.date else None
if table.date:
    st.caption(f"Only rows whose “{table.heading(table.date)}” is in this period.")
columns = choose_columns(table)
fmt = choose_format()
if not columns:
    st.info("Choose at least one column.")
else:
    address = address_of_file(table, columns, fmt, period)
    st.link_button("Download", address, type="primary", icon=":material/download:")
    show_preview(table, columns, period)
