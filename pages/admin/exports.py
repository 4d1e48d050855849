"""Exports: whole tables, streamed, in the format of your choice."""

from __future__ import annotations

import streamlit as st

from core.metrics.export_tables import EXPORTS
from core.ui.page import export_address, require, title
from core.ui.parts.filters import period_picker

FORMATS = {"csv": "CSV", "xlsx": "Excel", "json": "JSON lines", "parquet": "Parquet"}
viewer = require("exports")
title(
    "Exports",
    viewer,
    "What you download is what you may see; each export is noted in the audit log",
)
names = [
    name
    for name, table in EXPORTS.items()
    if viewer.has(table.module) and (viewer.is_admin or not table.admins_only)
]
name = st.selectbox(
    "Table",
    names,
    format_func=lambda key: key.replace("_", " ").capitalize(),
    key="table",
    bind="query-params",
)
table = EXPORTS[name or names[0]]
period = period_picker(viewer) if table.date else None
if table.date:
    st.caption(f"Cut by {table.date.replace('_', ' ')}.")
columns = st.multiselect("Columns", table.names, default=table.names)
fmt = (
    st.segmented_control(
        "Format", list(FORMATS), format_func=FORMATS.__getitem__, default="csv", required=True
    )
    or "csv"
)
days = {"start": period.start.isoformat(), "end": period.end.isoformat()} if period else {}
if not columns:
    st.info("Choose at least one column.")
else:
    chosen = {} if columns == table.names else {"columns": ",".join(columns)}
    address = export_address(viewer, table.name, {"format": fmt} | days | chosen)
    st.link_button("Download", address, type="primary", icon=":material/download:")
