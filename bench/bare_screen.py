"""The baseline of the screens: what Streamlit itself takes for a page with as many elements as the
dashboard, of finished contents. Nobody signs in, and no database is asked.
"""

from __future__ import annotations

from datetime import date

import streamlit as st

from core.ui.parts import charts
from core.ui.parts.grid.component import grid

DAYS, PEOPLE = 31, 12
COLUMNS = [
    {"name": name, "label": name, "number": False, "sortable": True, "order": None}
    for name in ("Name", "Booked", "Show rate", "Closes", "Cash")
]
ROWS = [{"id": str(n), "href": "#", "cells": [str(n)] * 5} for n in range(PEOPLE)]
TABLE = {
    "columns": COLUMNS,
    "card": [0, 1, 2],
    "rows": ROWS,
    "label": "People",
    "moves": False,
    "offered": [],
    "extent": "",
    "page": 1,
    "pages": 1,
    "ticks": False,
}
COURSE = charts.Course(
    days=[date(2026, 1, 1 + n) for n in range(DAYS)],
    values=list(range(DAYS)),
    sentences=["1 of 2"] * DAYS,
    label=["1 Jan"] * DAYS,
    title="Day",
    unit="Bookings",
    colour=charts.ACCENT,
    finished=DAYS,
    small=[False] * DAYS,
)
CHART = charts.trend(COURSE)


def _nothing(_: object) -> None:
    """Nobody sorts here."""


st.title("Dashboard")
st.caption("Times in UTC")
for place, column in enumerate(st.columns(3)):
    with column:
        st.selectbox("Choose", ["one", "two"], key=f"choice {place}")
st.markdown("Show rate **71%**.")
for place, column in enumerate(st.columns(5)):
    with column:
        st.metric("Bookings", place, border=True, chart_data=list(range(DAYS)), chart_type="area")
        st.html("<a>See them</a>")
for place in range(4):
    st.subheader("Chart")
    st.plotly_chart(CHART, key=f"chart {place}", on_select="rerun", selection_mode="points")
for place in range(3):
    st.subheader("Table")
    grid(
        f"table {place}",
        TABLE,
        sorted_by=_nothing,
        turned_to=_nothing,
        chosen=_nothing,
        searched=_nothing,
    )
