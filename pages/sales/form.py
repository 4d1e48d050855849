"""The post-call form: under twenty seconds on a phone; it asks only what the answer before needs,
and loses nothing.
"""

from __future__ import annotations

import streamlit as st

from core.bookings.forms import FormProblems, load_draft, save_draft
from core.bookings.queries import event_detail
from core.money.form_filing import file_form, withdraw_form
from core.platform.clock import now
from core.platform.errors import SalesOpsError
from core.ui.navigation import jump
from core.ui.page import act, empty, require, say, title
from core.ui.panels.post_call_form import Questions, as_json, choices
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.query_params import id_from_address

viewer = require("form")
event_id = id_from_address("event")
with viewer.transaction() as db:
    event = event_detail(db, event_id) if event_id else None
    lists = choices(db)
    known = load_draft(db, event_id, viewer) if event_id and event else {}
if event_id is None or event is None:
    st.title("Post-call form")
    empty(
        "There is no such call",
        "It may belong to somebody else, or the link is old.",
        ("my-day", "My day"),
    )
    st.stop()
if not viewer.is_manager and event.closer_user_id != viewer.user_id:
    empty(
        "This is somebody else's call",
        "Only the call's closer or a manager files its form.",
        ("my-day", "My day"),
    )
    st.stop()

_, middle, _ = st.columns([1, 2.4, 1])
with middle:
    title(
        event.lead_name or "Call",
        viewer,
        f"{event.call_type or 'Call'} · {when(event.scheduled_at, viewer.timezone)}",
    )
    if event.call_status in ("canceled", "rescheduled"):
        empty(
            "There is nothing to report", "This call was cancelled or moved.", ("my-day", "My day")
        )
        st.stop()
    if event.scheduled_at > now():
        st.info(
            "This call has not started yet. You can note a no-show or write down notes already."
        )
    here = f"form {event_id}"
    typed = st.session_state.setdefault(here, dict(known))
    before = as_json(typed)
    questions = Questions(
        typed, st.session_state.get(f"{here} problems", {}), lists, viewer.currency
    )
    questions.ask()
    if as_json(typed) != before and viewer.seen_by is None:
        with act(viewer) as db:
            save_draft(db, event_id, as_json(typed), viewer)
    sent = st.button(
        "File form", type="primary", width="stretch", disabled=typed.get("call_occurred") is None
    )
    if sent:
        answers = questions.answers()
        if questions.unreadable_amount:
            st.session_state[f"{here} problems"] = questions.problems
            st.rerun()
        try:
            with viewer.transaction() as db:
                file_form(db, event_id, answers, viewer)
        except FormProblems as error:
            st.session_state[f"{here} problems"] = error.problems
            st.rerun()
        except SalesOpsError as error:
            st.error(f"{escape_markdown(error.message)} What you typed is kept.")
            st.stop()
        for name in (here, f"{here} problems"):
            st.session_state.pop(name, None)
        say("Form filed.")
        jump("my-day")
    if event.pcf_submitted and st.button(
        "Take the form back", help="The call is pending again, and its cash no longer counts."
    ):
        with act(viewer, "The form was taken back.") as db:
            withdraw_form(db, event_id, viewer)
        st.session_state.pop(here, None)
        jump("event", id=str(event_id))
