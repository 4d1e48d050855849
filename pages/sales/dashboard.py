"""Dashboard: how the period went, against which, and what needs a look."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from core.bookings.models import CallStatus, EventOutcome
from core.bookings.queries import EventFilter, events_table
from core.bookings.schemas import EventItem
from core.metrics.drill import matching
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.table import metrics_table
from core.platform.clock import Period, today
from core.ui.cache import dashboard_of, this_minute
from core.ui.page import empty, require, title
from core.ui.panels.dashboard import (
    show_cards,
    show_funnel,
    show_heat,
    show_people,
    show_trend,
    summary_of_revenue,
    summary_of_shows,
)
from core.ui.panels.payments import show_unattributed, unattributed_for
from core.ui.parts import charts
from core.ui.parts.columns import Moment, Text, Word, headings
from core.ui.parts.drill import link_to_rows, narrowed_here, rows_behind, switch_to_rows
from core.ui.parts.filters import (
    FIRST_DAY,
    address_of,
    choices_for,
    compared_with,
    filter_bar,
    period_picker,
)
from core.ui.parts.tables import table

viewer = require("dashboard")
heading = headings(EventItem)
title("Dashboard", viewer, viewer.organization_name)
at = this_minute()
first, second, third = st.columns(3, vertical_alignment="bottom")
below, alerts = st.container(), st.container()
with first:
    period = period_picker(viewer)
with second:
    comparison = compared_with(period, at)
with third, viewer.transaction() as db:
    choices = choices_for(db, EVENTS, PAYMENTS)
    filters = filter_bar(choices, below)
    figures = dashboard_of(db, viewer, period, comparison, filters, at)
    ever = Period(FIRST_DAY, today(viewer.timezone) + timedelta(days=1), viewer.timezone)
    overdue = metrics_table(db, ever, ("closer",), filters, at=at, only=("overdue_pcfs",))
    latest = EventFilter(period=period, condition=matching(db, EVENTS, "", filters))
    recent = events_table(db, latest, limit=10)
    with alerts:
        show_unattributed(unattributed_for(db, viewer))

if not figures.now["booked_calls"] and not figures.now["payments"]:
    empty(
        "No bookings or payments in this period",
        "None fits these filters. Choose a longer period, or clear a filter."
        if filters.chosen
        else "They appear here as soon as a calendar or a processor reports one.",
        ("connections", "See the connections")
        if viewer.is_manager and not filters.chosen
        else None,
    )
    st.stop()

st.markdown(f"{summary_of_shows(figures, filters)} {summary_of_revenue(figures, viewer.currency)}")
show_cards(figures, viewer)
left, right = st.columns([3, 2])
with left:
    if point := show_trend(figures, viewer.currency, comparison):
        day = Period(point[1], point[1] + timedelta(days=1), viewer.timezone)
        switch_to_rows(rows_behind(point[0], narrowed_here() | address_of(day)))
with right:
    if step := show_funnel(figures):
        switch_to_rows(rows_behind(step, narrowed_here()))
show_people(figures, viewer, choices)

left, right = st.columns([3, 2])
with left:
    if slot := show_heat(figures):
        switch_to_rows(rows_behind("booked_calls", narrowed_here() | slot))
with right:
    st.subheader("Overdue forms")
    if not (waiting := overdue.totals.count("overdue_pcfs")):
        st.caption("None of the bookings here waits for its form longer than the grace.")
    else:
        st.caption(f"{waiting:,} bookings wait for their form longer than they should.")
        counts = sorted(
            (
                (row.values.count("overdue_pcfs"), str(row.keys["closer"].name or "No closer"))
                for row in overdue.rows
                if row.values.count("overdue_pcfs")
            ),
            key=lambda each: (-each[0], each[1]),
        )
        st.plotly_chart(
            charts.bars([name for _, name in counts], [count for count, _ in counts]),
            config=charts.CONFIG,
            key="overdue",
        )
        link_to_rows(rows_behind("overdue_pcfs", narrowed_here() | address_of(ever)), "See them")

st.subheader("Latest bookings")
table(
    recent,
    "latest-calls",
    opens="event",
    card=("lead_name", "scheduled_at", "call_status"),
    columns=[
        Moment("scheduled_at", heading("scheduled_at"), viewer.timezone),
        Text("lead_name", heading("lead_name")),
        Text("closer", heading("closer")),
        Text("setter", heading("setter")),
        Text("source", heading("source")),
        Word("call_status", heading("call_status"), CallStatus),
        Word("event_outcome", heading("event_outcome"), EventOutcome),
    ],
)
