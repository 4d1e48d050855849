"""The post-call form: under twenty seconds on a phone; it asks only what the answer before needs,
and loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from core.bookings.form_answers import FormAnswers
from core.bookings.forms import Draft, forget_draft, load_draft, save_draft
from core.bookings.models import GONE
from core.bookings.queries import event_detail
from core.money.form_filing import file_form, withdraw_form
from core.ui.navigation import jump
from core.ui.page import act, empty, require, title
from core.ui.panels.post_call_form import choices, chose_filed_form, forget, show_form
from core.ui.parts.format import when
from core.ui.parts.query_params import id_from_address

viewer = require("form")


def file(event_id: UUID, answers: FormAnswers, replaces: int, custom: Mapping[str, Any]) -> None:
    """File the form as the viewer."""
    with viewer.transaction() as db:
        file_form(db, event_id, answers, viewer, replaces=replaces, custom=custom)


def keep(event_id: UUID, draft: Draft) -> None:
    """Save what was typed, so that a dropped connection loses nothing."""
    with act(viewer) as db:
        save_draft(db, event_id, draft, viewer)


event_id = id_from_address("event")
if event_id and chose_filed_form(event_id):
    with act(viewer, "The filed form stays as it is.") as db:
        forget_draft(db, event_id, viewer)
    jump("event", id=str(event_id))
with viewer.transaction() as db:
    event = event_detail(db, event_id) if event_id else None
    lists = choices(db)
    known = load_draft(db, event_id, viewer) if event_id and event else Draft({})
if event_id is None or event is None:
    st.title("Post-call form")
    empty(
        "There is no such booking",
        "It may belong to somebody else, or the link is old.",
        ("my-day", "My day"),
    )
    st.stop()
if not viewer.is_manager and event.closer_user_id != viewer.user_id:
    st.title("Post-call form")
    empty(
        "This is somebody else's booking",
        "Only the booking's closer or a manager files its form.",
        ("my-day", "My day"),
    )
    st.stop()

_, middle, _ = st.columns([1, 2.4, 1])
with middle:
    title(
        event.lead_name or "Booking",
        viewer,
        f"{event.call_type or 'Booking'} · {when(event.scheduled_at, viewer.timezone)}",
    )
    if event.call_status in GONE:
        empty(
            "There is nothing to report",
            "This booking was cancelled or moved.",
            ("my-day", "My day"),
        )
        st.stop()
    if show_form(
        event,
        lists,
        viewer.currency,
        known=known,
        file=partial(file, event_id),
        keep=partial(keep, event_id) if viewer.seen_by is None else None,
    ):
        jump("my-day")
    if event.pcf_submitted and st.button(
        "Withdraw form", help="The booking is pending again, and its cash no longer counts."
    ):
        with act(viewer, "Form withdrawn.") as db:
            withdraw_form(db, event_id, viewer)
        forget(event_id)
        jump("event", id=str(event_id))
