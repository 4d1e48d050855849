"""Dashboard: how the period went, against which, and what needs a look."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from core.bookings.models import CallStatus, EventOutcome
from core.bookings.queries import EventFilter, events_table, pending_forms
from core.platform.clock import Period
from core.ui.cache import dashboard_of
from core.ui.page import empty, require, title
from core.ui.panels.dashboard import (
    show_cards,
    show_funnel,
    show_heat,
    show_people,
    show_sentence,
    show_trend,
)
from core.ui.parts import charts
from core.ui.parts.columns import Moment, Text, Word
from core.ui.parts.drill import link_to_rows, narrowed_here, rows_behind, switch_to_rows
from core.ui.parts.filters import address_of, compared_with, filter_bar, period_picker
from core.ui.parts.tables import table

viewer = require("dashboard")
title("Dashboard", viewer, viewer.organization_name)
first, second, third = st.columns(3, vertical_alignment="bottom")
with first:
    period = period_picker(viewer)
with second:
    compared = compared_with(period)
with third, viewer.transaction() as db:
    filters = filter_bar(db)
    figures = dashboard_of(db, viewer, period, compared, filters)
    overdue = pending_forms(db, overdue_only=True, limit=200)
    recent = events_table(db, EventFilter(period=period, ids=filters.columns), limit=10)

if not figures.now["booked_calls"] and not figures.now["payments"]:
    empty(
        "No bookings or payments in this period",
        "They appear here as soon as Calendly or a processor reports one.",
        ("connections", "See the connections") if viewer.is_manager else None,
    )
    st.stop()

show_sentence(figures, period)
show_cards(figures, viewer)
left, right = st.columns([3, 2])
with left:
    if point := show_trend(figures, viewer.currency):
        day = Period(point[1], point[1] + timedelta(days=1), viewer.timezone)
        switch_to_rows(rows_behind(point[0], narrowed_here() | address_of(day)))
with right:
    if step := show_funnel(figures):
        switch_to_rows(rows_behind(step, narrowed_here()))
show_people(figures, viewer)

left, right = st.columns([3, 2])
with left:
    show_heat(figures)
with right:
    st.subheader("Overdue forms")
    if overdue.empty:
        st.caption("None: every booking older than the grace has its form.")
    else:
        st.caption(f"{len(overdue)} bookings wait for their form longer than they should.")
        counts = (
            overdue.assign(closer=overdue["closer"].fillna("No closer"))
            .groupby("closer")
            .size()
            .sort_values(ascending=False)
        )
        st.plotly_chart(
            charts.bars(list(counts.index), list(counts)), config=charts.CONFIG, key="overdue"
        )
        link_to_rows(rows_behind("overdue_pcfs", {"period": "Last 365 days"}), "See them")

st.subheader("Latest bookings")
table(
    recent,
    "latest-calls",
    opens="event",
    card=("lead_name", "scheduled_at", "call_status"),
    columns=[
        Moment("scheduled_at", "Time", viewer.timezone),
        Text("lead_name", "Lead"),
        Text("closer", "Closer"),
        Text("setter", "Setter"),
        Text("source", "Source"),
        Word("call_status", "Status", CallStatus),
        Word("event_outcome", "Outcome", EventOutcome),
    ],
)
