"""A closer or setter: their figures beside the team's, their course, and the way to their bookings
and their cash.
"""

from __future__ import annotations

import streamlit as st

from core.bookings.queries import EventFilter, events_table
from core.metrics.catalog import shown_to
from core.metrics.comparison import compared
from core.metrics.dashboard import TRENDS, data_stamp
from core.metrics.figures import Values
from core.metrics.people import PROFILE, find_person
from core.money.queries import PaymentFilter, payments_table
from core.platform.errors import NotAllowed
from core.tenancy.access.models import AccessSettings
from core.tenancy.organizations.queries import settings_of
from core.ui.cache import board_dashboard_of, dashboard_of, this_minute
from core.ui.page import empty, no_such, require, title
from core.ui.panels.booking_list import booking_columns
from core.ui.panels.dashboard.cards import show_change, show_person_card, summary_of_comparison
from core.ui.panels.dashboard.charts import show_trend
from core.ui.panels.people import payments_of_rep
from core.ui.parts.drill import bookings_behind_cash, link_to_rows, rows_behind, switch_to_rows
from core.ui.parts.filters import address_of, choices_of, named, period_picker
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

A_ROW = 4
LATEST = 10
BOOKING = ("scheduled_at", "lead_name", "source", "call_status", "event_outcome")
viewer = require("person")
with viewer.transaction() as db:
    person = find_person(db, id_from_address())
    access = settings_of(db, AccessSettings)
    choices = choices_of(db, (person.who,)) if person else {}
if person is None:
    no_such(
        "person",
        "They are no closer or setter of this organisation, or not any more.",
        ("leaderboards", "See the leaderboards"),
    )
title(person.name, viewer, person.who.capitalize())
period, at = period_picker(viewer, default="This month"), this_minute()
comparison = compared(period, at)
is_own = person.user_id == viewer.user_id
sees_rows = is_own or viewer.sees_everybody(access)
sees_money = access.leaderboards_show_money or viewer.sees_everybody(access)
team: Values | None = None
try:
    figures, whole = board_dashboard_of(viewer, period, comparison, person.filters, at)
except NotAllowed:
    if not is_own:
        empty("Leaderboards are not shown", "Your organisation shows them to managers only.")
        st.stop()
    with viewer.transaction() as db:
        stamp = data_stamp(db, person.filters)
        figures = dashboard_of(db, viewer, stamp, period, comparison, person.filters, at)
else:
    team = whole

theirs = shown_to(PROFILE, money=sees_money or is_own)
of_team = shown_to(PROFILE, money=sees_money)
for start in range(0, len(theirs), A_ROW):
    for column, key in zip(st.columns(A_ROW), theirs[start : start + A_ROW], strict=False):
        with column:
            show_person_card(figures, key, viewer.currency, team if key in of_team else None)
            show_change(figures, key, viewer.currency)

st.caption(summary_of_comparison(figures, theirs, viewer.currency))
narrowed = {person.who: named(choices, person.who, person.id)}
here = narrowed | address_of(period)
if (
    point := show_trend(figures, viewer.currency, shown_to(TRENDS, money=sees_money or is_own))
) and (sees_rows):
    switch_to_rows(rows_behind(point[0], narrowed | address_of(point[1])))
if sees_rows:
    ids = {f"{person.who}_id": [person.id]}
    with viewer.transaction() as db:
        bookings = events_table(db, EventFilter(period=period, ids=ids), limit=LATEST)
        payments = payments_table(db, PaymentFilter(period=period, ids=ids), limit=LATEST)
    st.subheader("Latest bookings")
    if bookings.empty:
        empty("No bookings in this period", "Choose a longer period to see earlier ones.")
    else:
        columns = booking_columns(viewer, BOOKING)
        card = ("lead_name", "scheduled_at", "call_status")
        table(bookings, "bookings-of-rep", opens="event", card=card, columns=columns)
    with st.container(horizontal=True):
        link_to_rows(rows_behind("booked_calls", here), "See the bookings")
        link_to_rows(bookings_behind_cash(here), "See the paid bookings")
    st.subheader("Latest payments")
    if payments.empty:
        empty("No payments in this period", "Payments of their bookings appear here.")
    else:
        payments_of_rep(payments, "payments-of-rep", viewer)
    link_to_rows(rows_behind("cash_collected", here), "See the cash")
