"""My day: what needs this person now, one button per line; made for the phone first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st
from sqlalchemy import Row

from core.bookings.follow_ups import follow_ups, mark_followed_up
from core.bookings.queries import pending_forms, upcoming_events
from core.metrics.catalog import METRICS
from core.metrics.table import totals
from core.metrics.units import RATE
from core.platform.clock import Period, now, today
from core.platform.dataframes import records
from core.platform.notation import notation
from core.platform.phones import shown_phone
from core.tenancy.access.models import Role
from core.tenancy.organizations.queries import current_organization
from core.ui.page import act, empty, go, require, title
from core.ui.panels.payments import show_unattributed, unattributed_for
from core.ui.parts.drill import link_to_rows, rows_behind
from core.ui.parts.filters import address_of
from core.ui.parts.format import countdown, escape_markdown, explained, on, plural, when

STILL_RUNS_MINUTES = 45
LISTED, MOST = 20, 10_000
MONTH = ("booked_calls", "shows", "closes", "cash_collected")
viewer = require("my-day")
title("My day", viewer, viewer.organization_name)
day = today(viewer.timezone)
month = Period(day.replace(day=1), day + timedelta(days=1), viewer.timezone)
one_day = Period(day, day + timedelta(days=1), viewer.timezone)
with viewer.transaction() as db:
    own = upcoming_events(db, viewer.user_id, since=one_day.starts_at)
    pending = pending_forms(db, closer_user_id=viewer.user_id, limit=MOST)
    loose = unattributed_for(db, viewer)
    agreed = follow_ups(db, viewer.user_id, until=day, done_since=one_day.starts_at)
    region = current_organization(db).region if agreed else ""
    figures = totals(db, month, only=("show_rate", "confirmed", "due", *MONTH))

show_unattributed(loose)
whose = "Your" if viewer.role == Role.SALES_REP else "The team's"

todays = [call for call in own if call.scheduled_at < one_day.ends_at]
ahead = [call for call in own if call.scheduled_at >= now() - timedelta(minutes=STILL_RUNS_MINUTES)]
first, second, third = st.columns(3)
first.metric("Bookings today", len(todays), border=True)
second.metric("Forms to file", len(pending), border=True)
third.metric(
    "Show rate this month",
    RATE.text(figures["show_rate"], viewer.currency),
    border=True,
    help=f"Shows ÷ (completed bookings + no-shows). {whose} bookings.",
)
third.caption(f"{figures.known}.")


def show_follow_up(agreed: Row[Any]) -> None:
    """What was agreed with whom, and the button that says that it is done, or not after all."""
    is_done = agreed.followed_up_at is not None
    late = (day - agreed.follow_up_on).days
    state = f"**{plural(late, 'day', 'days')} overdue**" if late else "Due today"
    day_agreed = f"agreed for {on(agreed.follow_up_on)}"
    phone = escape_markdown(shown_phone(agreed.lead_phone or "", region))
    facts = ("Done" if is_done else state, day_agreed, phone)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"{escape_markdown(agreed.lead_name or 'Lead')}"
                f"  \n:gray[{' · '.join(filter(None, facts))}]",
                width="stretch",
            )
            go("event", "View", id=str(agreed.event_id))
            label, done = ("Undo", "Back on your list.") if is_done else ("Mark done", "Done.")
            if st.button(label, key=f"follow up {agreed.event_id}"):
                with act(viewer, done) as db:
                    mark_followed_up(db, agreed.event_id, viewer, is_done=not is_done)
                st.rerun()
        if agreed.notes:
            st.text(agreed.notes)


to_do = [each for each in agreed if each.followed_up_at is None]
if pending.empty and not ahead and not to_do:
    empty(
        "You're all caught up",
        "New bookings appear here as soon as they are booked.",
        ("leaderboards", "View leaderboards"),
    )
if agreed:
    st.subheader("Follow up today")
for each in (*to_do[:LISTED], *(each for each in agreed if each.followed_up_at is not None)):
    show_follow_up(each)
if len(to_do) > LISTED:
    st.caption(f"{notation().number(len(to_do) - LISTED)} more appear once these are done.")
if not pending.empty:
    st.subheader("Forms to file")
for form in records(pending[:LISTED]):
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        late = " · **overdue**" if form["overdue"] else ""
        st.markdown(
            f"{escape_markdown(form['lead_name'] or 'Lead')} "
            f" \n:gray[{when(form['scheduled_at'], viewer.timezone)}]{late}",
            width="stretch",
        )
        go("form", "File form", event=str(form["id"]))
if len(pending) > LISTED:
    st.caption(f"{notation().number(len(pending) - LISTED)} more appear once these are filed.")
if ahead:
    st.subheader("Your bookings")
for call in ahead:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        at = f":gray[{when(call.scheduled_at, viewer.timezone)}] {countdown(call.scheduled_at)}"
        st.markdown(
            f"{escape_markdown(call.lead_name or 'Lead')} ·"
            f" {escape_markdown(call.call_type or 'Booking')}  \n{at}",
            width="stretch",
        )
        go("event", "View", id=str(call.id))
        if call.meeting_url and call.meeting_url.startswith("https://"):
            st.link_button("Join", call.meeting_url)

st.subheader(f"{whose} month so far")
for column, key in zip(st.columns(len(MONTH)), MONTH, strict=True):
    column.metric(
        METRICS[key].name,
        METRICS[key].unit.text(figures[key], viewer.currency),
        border=True,
        help=explained(key, figures[key]),
    )
link_to_rows(rows_behind("booked_calls", address_of(month)), "See the bookings")
link_to_rows(rows_behind("cash_collected", address_of(month)), "See the payments")
