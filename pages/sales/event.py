"""One booking: who and when, how it stands and what comes next, its money and its story."""

from __future__ import annotations

import streamlit as st

from core.bookings.models import GONE, CallStatus, EventOutcome
from core.bookings.queries import event_detail, form_answers, timeline
from core.bookings.roster import setters_by_name
from core.bookings.setter_reassignment import name_setter
from core.money.models import PROCESSOR_LABELS
from core.money.queries import PaymentFilter, payments_table
from core.money.schemas import PaymentItem
from core.platform.dataframes import records
from core.tenancy.access.models import Role
from core.ui.page import act, go, no_such, require, title
from core.ui.panels.payments import payment_states
from core.ui.panels.post_call_form import choices
from core.ui.parts.columns import Moment, Money, Text, Word, headings
from core.ui.parts.facts import show_facts
from core.ui.parts.form_words import answers_in_words
from core.ui.parts.format import escape_markdown, when, word
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

viewer = require("event")
heading = headings(PaymentItem)
event_id = id_from_address()
with viewer.transaction() as db:
    event = event_detail(db, event_id) if event_id else None
    payments = payments_table(db, PaymentFilter(event_id=event_id)) if event else None
    form = form_answers(db, event_id) if event_id and event else {}
    lists = choices(db) if form else None
    story = (
        timeline(db, event_id, list(payments["id"])) if event_id and payments is not None else None
    )
if event is None or payments is None or story is None:
    no_such(
        "booking", "It may belong to somebody else, or the link is old.", ("events", "All bookings")
    )

title(
    event.lead_name or "Booking",
    viewer,
    f"{event.call_type or 'Booking'} · {when(event.scheduled_at, viewer.timezone)}",
)
state = (
    word(event.event_outcome, EventOutcome)
    if event.event_outcome
    else word(event.call_status, CallStatus)
)
st.markdown(f"**{state}**" + (" · form filed" if event.pcf_submitted else ""))
may_file = viewer.is_manager or event.closer_user_id == viewer.user_id
if may_file and event.call_status not in GONE:
    go("form", "Correct the form" if event.pcf_submitted else "File the form", event=str(event.id))
if event.rescheduled_to_id:
    go("event", "This booking was moved: open the new one", id=str(event.rescheduled_to_id))

left, right = st.columns([3, 2])
with left:
    if form and lists:
        st.subheader("Form")
        for label, words in answers_in_words(form, lists.names()):
            if label != "Recording":
                st.text(f"{label}: {words}")
        if form["recording_url"]:
            st.link_button("Open the recording", form["recording_url"])
    st.subheader("What happened")
    for line in records(story):
        st.markdown(
            f"{escape_markdown(line['summary'])}  \n:gray[{when(line['at'], viewer.timezone)}]"
        )
    if not payments.empty:
        st.subheader("Payments")
        table(
            payments.assign(state=payment_states(payments)),
            "payments-of-call",
            opens="payment",
            download=False,
            columns=[
                Moment("payment_date", heading("payment_date"), viewer.timezone),
                Money("amount", heading("amount")),
                Word("processor", heading("processor"), PROCESSOR_LABELS),
                Text("state", "State"),
            ],
        )
with right:
    facts = {
        "Closer": event.closer,
        "Setter": event.setter,
        "Source": event.source,
        "Traffic": event.traffic_type,
        "E-mail": event.lead_email,
        "Phone": event.lead_phone,
        "Booked": when(event.booked_at, viewer.timezone),
        "Cancelled because": event.cancel_reason,
        "Missing": event.no_show_party,
        "Campaign": event.utm_campaign,
        **{answer.get("question", ""): answer.get("answer") for answer in event.answers or []},
    }
    show_facts(facts)
    if event.meeting_url and str(event.meeting_url).startswith("https://"):
        st.link_button("Join the meeting", event.meeting_url)
    if event.setter_name_unknown and viewer.is_one_of(Role.OWNER, Role.ADMIN):
        with viewer.transaction() as db:
            setters = setters_by_name(db)
        st.caption(
            "Nobody on the roster has this setter's name. Say who it is, for this and every other"
            " booking:"
        )
        name = st.selectbox(
            "Setter",
            list(setters),
            index=None,
            placeholder="Choose a setter",
            label_visibility="collapsed",
        )
        if name and st.button(escape_markdown(f"{event.setter} is {name}")):
            with act(viewer, "Every booking of this name is theirs now.") as db:
                name_setter(db, event.setter, setters[name])
            st.rerun()
if viewer.is_admin:
    go("who-sees", "Who can see this?", kind="event", id=str(event.id))
