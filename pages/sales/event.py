"""One booking: who and when, how it stands and what comes next, what the closer wrote, its money,
its timeline, and the person's other bookings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from sqlalchemy import Row

from core.bookings.custom_answers import design_to_read
from core.bookings.duplicates import merged_into, standing_for
from core.bookings.form_history import FormVersion, form_history
from core.bookings.models import GONE, CallStatus, EventOutcome
from core.bookings.queries import event_detail, events_of_contact, form_answers, timeline
from core.bookings.rep_names import rep_in_words
from core.bookings.roster import setters_by_name
from core.bookings.setter_reassignment import name_setter
from core.money.queries import PaymentFilter, payments_table
from core.people.visibility import sees_persons
from core.platform.dataframes import records
from core.platform.phones import shown_phone
from core.tenancy.access.models import Role
from core.tenancy.organizations.queries import current_organization
from core.ui.navigation import jump
from core.ui.page import act, go, no_such, require, title
from core.ui.panels.merged_bookings import decided_on, show_decisions
from core.ui.panels.people import bookings_of_person, payments_of_person, show_timeline
from core.ui.panels.post_call_form import Choices, choices
from core.ui.parts.facts import show_facts
from core.ui.parts.form_words import answers_in_words, changes_in_words
from core.ui.parts.format import escape_markdown, on, when, word
from core.ui.parts.query_params import id_from_address

viewer = require("event")
PLATFORMS = {"manual": "Entered by hand"}


def show_what_comes_next(event: Row[Any]) -> None:
    """How the booking stands, and what the viewer can do about it."""
    state = (
        word(event.event_outcome, EventOutcome)
        if event.event_outcome
        else word(event.call_status, CallStatus)
    )
    st.markdown(f"**{state}**" + (" · form filed" if event.pcf_submitted else ""))
    may_file = viewer.is_manager or event.closer_user_id == viewer.user_id
    if may_file and event.call_status not in GONE:
        label = "Correct the form" if event.pcf_submitted else "File the form"
        go("form", label, event=str(event.id))
    if event.rescheduled_to_id:
        go("event", "This booking was moved: view the new one", id=str(event.rescheduled_to_id))


def show_answers(form: dict[str, Any], lists: Choices) -> None:
    """What the closer wrote, with the recording."""
    st.subheader("Post-call form")
    asked = [each for each in filed_with.questions if each.key != "recording_url"]
    for label, words in answers_in_words(form, lists.names(), asked):
        st.text(f"{label}: {words}")
    if form["recording_url"]:
        st.link_button("Open the recording", form["recording_url"])


def show_history(versions: Sequence[FormVersion], lists: Choices) -> None:
    """Each version of the form, newest first."""
    names = lists.names()
    with st.expander(f"Form history ({len(versions)})"):
        for version in reversed(versions):
            st.markdown(
                f"**{version.verb}**{f' by {escape_markdown(version.who)}' if version.who else ''}"
                f" · :gray[{when(version.at, viewer.timezone)}]"
            )
            if not version.before:
                lines = [
                    f"{label}: {said}" for label, said in answers_in_words(version.after, names)
                ]
            else:
                lines = changes_in_words(version.before, version.after, names)
            for line in lines if version.after else ():
                st.text(line)


def ask_who_the_setter_is(event: Row[Any]) -> None:
    """For an admin: whom on the roster the name means that the booking mentions."""
    with viewer.transaction() as db:
        setters = setters_by_name(db)
    st.caption(
        "This setter's name is not in your list. Choose who it is, for this and every other"
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


def details(event: Row[Any]) -> dict[str, Any]:
    """What is known of the booking beside its form."""
    follow_up = form.get("follow_up_on")
    return {
        "Closer": rep_in_words(event.closer, "closer", is_listed=event.closer_id is not None),
        "Setter": rep_in_words(event.setter, "setter", is_listed=event.setter_id is not None),
        "Source": event.source,
        "Traffic type": event.traffic_type,
        "E-mail": event.lead_email,
        "Phone": event.lead_phone and shown_phone(event.lead_phone, region),
        "Booked": when(event.booked_at, viewer.timezone),
        "Booked with": word(event.booking_platform, PLATFORMS),
        "Follow up on": on(follow_up) if follow_up else None,
        "Cancelled because": event.cancel_reason,
        "Missing": event.no_show_party and event.no_show_party.label,
        "Campaign": event.utm_campaign,
        **{answer.get("question", ""): answer.get("answer") for answer in event.answers or []},
    }


event_id = id_from_address()
with viewer.transaction() as db:
    event = event_detail(db, event_id) if event_id else None
    stands = standing_for(db, event_id) if event_id and event is None else None
    if stands is not None:
        jump("event", id=str(stands))
    if event is None or event_id is None:
        no_such(
            "booking",
            "It may belong to somebody else, or the link is old.",
            ("events", "All bookings"),
        )
    region = current_organization(db).region if event.lead_phone else ""
    payments = payments_table(db, PaymentFilter(event_id=event_id))
    form = form_answers(db, event_id)
    merged = merged_into(db, event_id)
    decided = decided_on(db, event_id) if viewer.is_manager else []
    story = timeline(db, [event_id, *merged, *payments["id"]])
    had_form = bool(form) or "pcf" in set(story["type"])
    history = form_history(db, event_id) if had_form else []
    filed_with = design_to_read(db, form.get("config_version"), form)
    lists = choices(db) if form or history else Choices({})
    others = (
        events_of_contact(db, event.contact_id, other_than=event_id)
        if event.contact_id
        else pd.DataFrame()
    )

title(
    event.lead_name or "Booking",
    viewer,
    f"{event.call_type or 'Booking'} · {when(event.scheduled_at, viewer.timezone)}",
)
show_what_comes_next(event)
left, right = st.columns([3, 2])
with left:
    if form:
        show_answers(form, lists)
    if history:
        show_history(history, lists)
    show_timeline(records(story), viewer)
with right:
    show_facts(details(event))
    if event.contact_id and sees_persons(viewer.role):
        go("contact", "View contact", id=str(event.contact_id))
    if event.lead_id and sees_persons(viewer.role):
        go("lead", "View lead", id=str(event.lead_id))
    if event.meeting_url and str(event.meeting_url).startswith("https://"):
        st.link_button("Join the meeting", event.meeting_url)
    if event.setter_name_unknown and viewer.is_one_of(Role.OWNER, Role.ADMIN):
        ask_who_the_setter_is(event)
    if viewer.is_manager:
        show_decisions(viewer, decided)
        if event.call_status not in GONE:
            go("merge-bookings", "Merge with another booking", id=str(event.id))
    if viewer.is_admin:
        go("who-sees", "Who can see this?", kind="event", id=str(event.id))
if not payments.empty:
    st.subheader("Payments")
    payments_of_person(payments, "payments-of-call", viewer)
if not others.empty:
    st.subheader("Other bookings of this person")
    bookings_of_person(others, "other-bookings", viewer)
