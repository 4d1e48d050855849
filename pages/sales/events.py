"""Bookings: every one that the address does not leave out; a row opens its screen."""

from __future__ import annotations

from calendar import day_name

import pandas as pd
import streamlit as st

from core.bookings.models import CallStatus
from core.bookings.queries import ORDERED, EventFilter, count_events, events_table
from core.metrics.drill import bookings_behind, counted, is_of, matching
from core.metrics.facts import EVENTS, PAYMENTS
from core.platform.paging import Order
from core.ui.page import empty, require, title
from core.ui.panels.booking_list import booking_columns, with_forms
from core.ui.panels.saved_views import offer_saved_views
from core.ui.parts.drill import FIGURE, NARROWING, SLOT, slot_of_address
from core.ui.parts.filters import choices_for, filter_bar, period_picker
from core.ui.parts.format import plural, word
from core.ui.parts.rows import QueriedRows
from core.ui.parts.tables import table

viewer = require("events")
LISTED = (
    *("scheduled_at", "lead_name", "closer", "setter", "source", "call_type", "call_status"),
    *("event_outcome", "form"),
)
title("Bookings", viewer)
offer_saved_views(viewer, "events", "bookings", *NARROWING, "status", FIGURE, *SLOT)
first, second, third = st.columns(3, vertical_alignment="bottom")
below = st.container()
with first:
    period = period_picker(viewer)
with second:
    search = (
        st.text_input(
            "Search", key="search", bind="query-params", placeholder="Name or e-mail", type="search"
        )
        or ""
    )
with third, viewer.transaction() as db:
    filters = filter_bar(choices_for(db, EVENTS), below)
statuses = st.pills(
    "Status",
    [str(status) for status in CallStatus],
    selection_mode="multi",
    format_func=lambda status: word(status, CallStatus),
    key="status",
    bind="query-params",
    label_visibility="collapsed",
)
figure, slot = st.query_params.get(FIGURE, ""), slot_of_address(viewer.timezone)
of_payments = is_of(PAYMENTS, figure)
with viewer.transaction() as db:
    chosen = EventFilter(
        period=None if of_payments else period,
        statuses=statuses or (),
        search=search,
        condition=bookings_behind(figure, period, filters)
        if of_payments
        else matching(db, EVENTS, figure, filters, slot),
    )
    count = count_events(db, chosen)
if is_of(EVENTS, figure):
    st.info(
        f"These are the bookings behind **{counted(figure).name}**:"
        f" {counted(figure).formula.lower()}."
    )
if of_payments:
    st.info(
        f"These are the bookings behind **{counted(figure).name}**: each has a payment dated in"
        " this period, whenever the booking was for."
    )
elif slot:
    st.info(
        f"Only those that begin on a {day_name[slot.weekday - 1]} between {slot.hour}:00 and"
        f" {slot.hour}:59."
    )
if not count:
    empty(
        "No bookings here",
        "No booked call fits this period and these filters. Choose a longer period, or clear a"
        " filter.",
    )
    st.stop()
st.caption(plural(count, "booking", "bookings"))


def page_of(order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
    """The bookings of one page, and how many there are."""
    with viewer.transaction() as db:
        rows = events_table(db, chosen, order=order, limit=limit, offset=offset)
    return with_forms(rows), count


table(
    QueriedRows(ORDERED, page_of),
    "bookings",
    opens="event",
    card=("lead_name", "scheduled_at", "call_status"),
    columns=booking_columns(viewer, LISTED),
    more=booking_columns(viewer, ("lead_email", "traffic_type", "booked_at")),
)
