"""One payment: its details, which booking it belongs to and why, and a manager's decision on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import streamlit as st
from sqlalchemy import Row

from core.bookings.models import CallStatus, EventOutcome
from core.bookings.queries import EventFilter, events_page
from core.money.attribution import adopt_address, choose_event, clear_choice
from core.money.models import PROCESSOR_LABELS
from core.money.pairs import pairs_of
from core.money.payout_tables import payouts_of
from core.money.queries import payment_detail, refunds_of
from core.money.reasons import sentence_in_words
from core.money.suggestions import Ground, suggestions
from core.people.visibility import sees_persons
from core.platform.clock import Period
from core.platform.dataframes import records
from core.platform.errors import InvalidInput
from core.platform.labels import none_of
from core.platform.notation import notation
from core.ui.page import act, go, no_such, require, title
from core.ui.panels.payment_history import history_of
from core.ui.panels.payments import Pair, decide_pairs, numbered_apart, payment_state
from core.ui.panels.people import show_timeline
from core.ui.parts.facts import show_facts
from core.ui.parts.format import escape_markdown, money, plural, when, word
from core.ui.parts.forms import Form
from core.ui.parts.query_params import id_from_address

viewer = require("payment")


NO_BOOKING = "No booking: leave it unmatched"
SEARCHED = "Name or e-mail address"
FOUND = 20


def _label(event: Row[Any]) -> str:
    """A booking as a manager recognises it."""
    lead, closer = event.lead_name or "No name", event.closer or none_of("closer")
    state = word(event.event_outcome, EventOutcome) if event.event_outcome else ""
    facts = (
        lead,
        event.lead_email,
        when(event.scheduled_at, viewer.timezone),
        closer,
        state or word(event.call_status, CallStatus),
    )
    return " · ".join(filter(None, facts))


def _why(event: Row[Any]) -> str:
    """Why a booking is suggested, and how sure that is."""
    days = int(event.days)
    near = f"{plural(abs(days), 'day', 'days')} {'before' if days > 0 else 'after'} the payment"
    return f"{Ground(event.ground).label}, {near if days else 'within a day of the payment'}"


def ask_for_event(payment: Row[Any]) -> None:
    """The bookings that the payment may belong to, most likely first, or any other that a manager
    searches for, and the choice of one; open where the payment has none.
    """
    with st.expander("Choose the booking", expanded=payment.event_id is None):
        first, second = st.columns([3, 2])
        words = first.text_input("Search all bookings", key="find booking", placeholder=SEARCHED)
        day = second.date_input(
            "On the day", value=None, key="day of booking", format=notation().typed_day
        )
        if words.strip() or day:
            period = Period(day, day + timedelta(days=1), viewer.timezone) if day else None
            offer_found(payment, EventFilter(period=period, search=words))
            return
        with viewer.transaction() as db:
            suggested = suggestions(db, payment.id)
        why = [_why(each) for each in suggested]
        offer_choice(payment, suggested, "Suggested bookings", [*why, ""])


def offer_found(payment: Row[Any], chosen: EventFilter) -> None:
    """The choice among the latest bookings that were searched for."""
    with viewer.transaction() as db:
        events = events_page(db, chosen, limit=FOUND + 1)
    if not events:
        st.caption("No booking found. Try part of the name, the whole e-mail, or the day alone.")
    elif len(events) > FOUND:
        st.caption(f"The latest {FOUND} are shown. Add the day, or more of the name.")
    offer_choice(payment, events[:FOUND], "Bookings found")


def offer_choice(
    payment: Row[Any],
    events: Sequence[Row[Any]],
    heading: str,
    captions: Sequence[str] | None = None,
) -> None:
    """A manager's choice among ``events``; ``captions`` has a line for each option and for none of
    them.
    """
    labels = numbered_apart([_label(event) for event in events])
    options = dict(zip(labels, (event.id for event in events), strict=True))
    form = Form(f"booking of {payment.id}")
    with form.drawn():
        label = form.field(
            heading,
            heading,
            st.radio,
            options=[*options, NO_BOOKING],
            index=None,
            format_func=escape_markdown,
            captions=captions,
        )
        reason = form.field(
            "reason", "Reason (required)", st.text_input, placeholder="Paid by her partner"
        )
        is_theirs = bool(payment.customer_email) and form.field(
            "adopts",
            f"{escape_markdown(payment.customer_email)} also belongs to the person who booked",
            st.checkbox,
        )
        sent = st.form_submit_button("Save", type="primary")
    if not sent:
        return
    with act(viewer, "Saved.", form) as db:
        if label is None:
            raise InvalidInput("Choose a booking, or that there is none.", field=heading)
        event_id = options.get(label)
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
        "counted as the same payment" if other.is_same else None,
    )
    return " · ".join(filter(None, facts))


def ask_for_pair(payment_id: UUID) -> None:
    """The payments that may be the same money as this one, and a manager's word on one of them."""
    with viewer.transaction() as db:
        others = pairs_of(db, payment_id)
    if not others:
        return
    with st.expander("Is this the same payment as another one?"):
        decide_pairs(
            viewer,
            [
                Pair(_pair_label(other, viewer.timezone), other.entered_id, other.reported_id)
                for other in others
            ],
        )


def show_details(payment: Row[Any]) -> None:
    """What is known of the payment: the money first, then who paid, whose it is and where it came
    from.
    """
    refunded = money({payment.currency: payment.refund_amount}) if payment.refund_amount else None
    net = money({payment.currency: payment.net_revenue}) if payment.counts else "not counted"
    show_facts(
        {
            "Amount": money({payment.currency: payment.amount}),
            "Status": payment_state(payment),
            "Dispute": word(payment.dispute_status) if payment.disputed else None,
            "Refunded": refunded,
            "Net revenue": net,
            "Customer": payment.customer_name,
            "E-mail": payment.customer_email,
        }
    )
    if payment.contact_id and sees_persons(viewer.role):
        go("contact", "View contact", id=str(payment.contact_id))
    show_facts(
        {
            "Closer": payment.closer or none_of("closer"),
            "Setter": payment.setter or none_of("setter"),
            "Source": payment.source,
            "Package": payment.package,
            "Paid through": word(payment.processor, PROCESSOR_LABELS),
            "Membership": payment.membership_key,
        },
        "Credit and origin",
    )
    if payment.processor_payment_id:
        st.caption("Processor's ID")
        st.code(payment.processor_payment_id, language=None, wrap_lines=True)


payment_id = id_from_address()
with viewer.transaction() as db:
    payment = payment_detail(db, payment_id) if payment_id else None
    refunds = refunds_of(db, payment_id) if payment_id and payment else None
    counted = payouts_of(db, payment_id) if payment_id and payment else None
if payment_id is None or payment is None or refunds is None or counted is None:
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
    show_details(payment)
with left:
    st.subheader("Booking and credit")
    who = (
        f"Closed by {payment.closer}" if payment.closer else none_of("closer"),
        f"booked by {payment.setter}" if payment.setter else none_of("setter").lower(),
    )
    credited = " · ".join(who) if payment.event_id else "Not matched to a booking"
    st.markdown(f"**{escape_markdown(credited)}**")
    st.text(sentence_in_words(payment.attribution_reason))
    if payment.event_id:
        booked = when(payment.event_scheduled_at, viewer.timezone)
        go("event", f"Open the booking of {booked}", id=str(payment.event_id))
    if payment.superseded_by_id:
        st.info("The processor has reported the same payment, so this entry is not counted twice.")
        go("payment", "Open the processor's record", id=str(payment.superseded_by_id))
    if viewer.is_manager:
        if payment.chosen_at is not None and st.button("Undo and match again"):
            with act(viewer, "Undone. The payment is matched automatically again.") as db:
                clear_choice(db, payment_id, viewer)
            st.rerun()
        ask_for_event(payment)
        ask_for_pair(payment_id)
    show_timeline(history_of(payment, records(refunds), records(counted)), viewer)
if viewer.is_admin:
    go("who-sees", "Who can see this?", kind="payment", id=str(payment_id))
