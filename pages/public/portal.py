"""A closer's portal: the forms that wait, today's bookings, and the form itself, without a
password; made for the phone.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import streamlit as st

from core.bookings.forms import Draft
from core.bookings.models import GONE
from core.bookings.queries import event_detail, events_in_period, pending_forms
from core.links.access_links import Visitor
from core.links.kinds import LinkPurpose
from core.links.portal import file_form_through_link
from core.platform.clock import Period, now, today
from core.platform.dataframes import records
from core.ui.page import empty, open_to_all, show_pending_toast
from core.ui.panels.post_call_form import choices, show_form
from core.ui.parts.format import countdown, escape_markdown, when
from core.ui.parts.query_params import id_from_address
from core.ui.public import heading, visitor_of

open_to_all("portal")
show_pending_toast()


def show_queue(visitor: Visitor) -> None:
    """The forms that wait, oldest first, then today's bookings."""
    day = today(visitor.timezone)
    heading(f"Hello {(visitor.person or '').split(' ')[0]}", visitor)
    with visitor.transaction() as db:
        pending = pending_forms(db, limit=50)
        todays = events_in_period(db, Period(day, day + timedelta(days=1), visitor.timezone))
    if pending.empty and not todays:
        empty(
            "Nothing waits for you",
            "Bookings whose form is missing appear here, and the bookings of the day.",
        )
    if not pending.empty:
        st.subheader("File these forms")
    for form in records(pending):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            late = " · **overdue**" if form["overdue"] else ""
            st.markdown(
                f"{escape_markdown(form['lead_name'] or 'Lead')} "
                f" \n:gray[{when(form['scheduled_at'], visitor.timezone)}]{late}",
                width="stretch",
            )
            if st.button("File form", key=f"file {form['id']}"):
                st.query_params["event"] = str(form["id"])
                st.rerun()
    if todays:
        st.subheader("Today's bookings")
    for call in todays:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            state = (
                "form filed"
                if call.pcf_submitted
                else countdown(call.scheduled_at)
                if call.scheduled_at > now()
                else "form missing"
            )
            at = f":gray[{when(call.scheduled_at, visitor.timezone)}] {state}"
            st.markdown(
                f"{escape_markdown(call.lead_name or 'Lead')} ·"
                f" {escape_markdown(call.call_type or 'Booking')}  \n{at}",
                width="stretch",
            )
            if (
                call.meeting_url
                and call.meeting_url.startswith("https://")
                and not call.pcf_submitted
            ):
                st.link_button("Join", call.meeting_url)


def back_to_queue() -> None:
    """Show the queue again."""
    st.query_params.pop("event", None)
    st.rerun()


def show_call(visitor: Visitor) -> None:
    """One booking's form, or why there is none to file."""
    event_id = id_from_address("event")
    with visitor.transaction() as db:
        event = event_detail(db, event_id) if event_id else None
        lists = choices(db)
    if st.button("← All bookings"):
        back_to_queue()
    if event is None:
        empty(
            "There is no such booking",
            "It may belong to somebody else, or the booking was removed.",
        )
        return
    heading(
        event.lead_name or "Booking",
        visitor,
        f"{event.call_type or 'Booking'} · {when(event.scheduled_at, visitor.timezone)}",
    )
    if event.call_status in GONE:
        empty("There is nothing to report", "This booking was cancelled or moved.")
    elif event.pcf_submitted:
        empty("The form was filed", "To correct it, sign in or ask a manager.")
    elif show_form(
        event,
        lists,
        visitor.currency,
        known=Draft({}),
        file=partial(file_form_through_link, visitor, event.id),
    ):
        back_to_queue()


visitor = visitor_of(LinkPurpose.PORTAL)
_, middle, _ = st.columns([1, 2.4, 1])
with middle:
    if "event" in st.query_params:
        show_call(visitor)
    else:
        show_queue(visitor)
