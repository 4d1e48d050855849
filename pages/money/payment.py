"""One payment: its facts, why it belongs where it does, and a person's say in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import streamlit as st
from sqlalchemy import Row

from core.bookings.models import EventOutcome
from core.bookings.queries import EventFilter, events_page
from core.money.attribution import adopt_address, choose_event, clear_choice
from core.money.models import PROCESSOR_LABELS
from core.money.pairs import pairs_of
from core.money.queries import payment_detail, refunds_of, suggestions
from core.platform.dataframes import records
from core.ui.page import act, go, no_such, require, title
from core.ui.panels.payments import Pair, decide_pairs, numbered_apart, payment_state, refund_line
from core.ui.parts.facts import show_facts
from core.ui.parts.format import escape_markdown, money, when, word
from core.ui.parts.query_params import id_from_address

viewer = require("payment")


NO_BOOKING = "It belongs to no booking"
FOUND = 20


def _label(event: Row[Any], timezone: str) -> str:
    lead, closer = event.lead_name or "Lead", event.closer or "no closer"
    outcome = event.event_outcome and word(event.event_outcome, EventOutcome)
    facts = (lead, when(event.scheduled_at, timezone), closer, outcome, event.lead_email)
    return " · ".join(filter(None, facts))


def ask_for_event(payment: Row[Any]) -> None:
    """The events that the payment may belong to, likeliest first, or those that a manager looks
    for, and the choice of one; open where it has none.
    """
    with st.expander("Choose the booking yourself", expanded=payment.event_id is None):
        words = st.text_input("Any other booking, by name or e-mail", key="find booking").strip()
        with viewer.transaction() as db:
            events = (
                events_page(db, EventFilter(search=words), limit=FOUND)
                if words
                else suggestions(db, payment.id)
            )
        offer_choice(payment, events)


def offer_choice(payment: Row[Any], events: Sequence[Row[Any]]) -> None:
    """A manager's choice among ``events``."""
    labels = numbered_apart([_label(event, viewer.timezone) for event in events])
    options = dict(zip(labels, (event.id for event in events), strict=True))
    with st.form("choice"):
        label = st.radio(
            "Likeliest first", [*options, NO_BOOKING], index=None, format_func=escape_markdown
        )
        reason = st.text_input("Why?", placeholder="Paid by her partner")
        is_theirs = bool(payment.customer_email) and st.checkbox(
            f"{escape_markdown(payment.customer_email)} is one more address of whoever booked"
        )
        sent = st.form_submit_button("Choose", type="primary")
    if sent and label is None:
        st.error("Choose a booking, or say that it belongs to none.")
    elif sent:
        event_id = options.get(label or "")
        with act(viewer, "Chosen.") as db:
            if is_theirs and event_id is not None:
                adopt_address(db, payment.id, event_id, viewer)
            choose_event(db, payment.id, event_id, viewer, reason)
        st.rerun()


def _pair_label(other: Row[Any], timezone: str) -> str:
    facts = (
        money({other.currency: other.amount}),
        when(other.payment_date, timezone),
        word(other.processor, PROCESSOR_LABELS),
        other.customer_email,
        "counted as the same money" if other.is_same else None,
    )
    return " · ".join(filter(None, facts))


def ask_for_pair(payment_id: UUID) -> None:
    """The payments that may be the same money as this one, and a manager's word on one of them."""
    with viewer.transaction() as db:
        others = pairs_of(db, payment_id)
    if not others:
        return
    with st.expander("Is it the same money as another payment?"):
        decide_pairs(
            viewer,
            [
                Pair(_pair_label(other, viewer.timezone), other.entered_id, other.reported_id)
                for other in others
            ],
        )


payment_id = id_from_address()
with viewer.transaction() as db:
    payment = payment_detail(db, payment_id) if payment_id else None
    refunds = refunds_of(db, payment_id) if payment_id and payment else None
if payment_id is None or payment is None or refunds is None:
    no_such(
        "payment",
        "It may belong to somebody else, or the link is old.",
        ("payments", "All payments"),
    )

title(
    money({payment.currency: payment.amount}),
    viewer,
    f"{word(payment.processor, PROCESSOR_LABELS)} · {when(payment.payment_date, viewer.timezone)}",
)
left, right = st.columns([3, 2])
with right:
    facts = {
        "State": payment_state(payment),
        "Customer": payment.customer_name,
        "E-mail": payment.customer_email,
        "Refunded": (
            money({payment.currency: payment.refund_amount}) if payment.refund_amount else None
        ),
        "Net revenue": (
            money({payment.currency: payment.net_revenue}) if payment.counts else "in no figure"
        ),
        "Package": payment.package,
        "Source": payment.source,
        "Id at the processor": payment.processor_payment_id,
        "Membership": payment.membership_key,
        "Dispute": word(payment.dispute_status) if payment.disputed else None,
    }
    show_facts(facts)
    for refund in records(refunds):
        st.text(refund_line(refund, viewer.timezone))
with left:
    st.subheader("Whose it is")
    booked_by = f" · booked by {escape_markdown(payment.setter)}" if payment.setter else ""
    st.markdown(f"**{escape_markdown(payment.closer or 'Nobody yet')}**{booked_by}")
    st.text(payment.attribution_reason or "")
    if payment.event_id:
        go("event", "Open the booking", id=str(payment.event_id))
    if payment.superseded_by_id:
        st.info(
            "The processor has reported the same money, so this entry is not counted a second time."
        )
        go("payment", "Open the processor's record", id=str(payment.superseded_by_id))
    if viewer.is_manager:
        ask_for_event(payment)
        if payment.chosen_at is not None and st.button("Forget this choice and match again"):
            with act(viewer, "Matched again.") as db:
                clear_choice(db, payment_id, viewer)
            st.rerun()
        ask_for_pair(payment_id)
