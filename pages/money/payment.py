"""One payment: its facts, why it belongs where it does, and a person's say in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import streamlit as st
from sqlalchemy import Row

from core.money.attribution import choose_event, clear_choice
from core.money.models import PROCESSOR_LABELS, AttributionMethod, PaymentStatus
from core.money.queries import payment_detail, refunds_of, suggestions
from core.platform.dataframes import records
from core.ui.page import act, go, no_such, require, title
from core.ui.parts.facts import show_facts
from core.ui.parts.format import escape_markdown, money, when, word
from core.ui.parts.query_params import id_from_address

viewer = require("payment")


def _label(call: Row[Any], timezone: str) -> str:
    lead, closer = call.lead_name or "Lead", call.closer_name or "no closer"
    return f"{lead} · {when(call.scheduled_at, timezone)} · {closer}"


def ask_for_call(payment_id: UUID, *, needed: bool) -> None:
    """The calls that the payment may belong to, likeliest first, and the choice of one; open where
    it is ``needed``.
    """
    with viewer.transaction() as db:
        calls = suggestions(db, payment_id)
    with st.expander("Choose the booking yourself", expanded=needed):
        options = {_label(call, viewer.timezone): call.id for call in calls}
        with st.form("choice"):
            label = st.radio(
                "Likeliest first",
                [*options, "It belongs to no booking"],
                index=None,
                format_func=escape_markdown,
            )
            reason = st.text_input("Why?", placeholder="Paid by her partner")
            sent = st.form_submit_button("Choose", type="primary")
        if sent and label is None:
            st.error("Choose a booking, or say that it belongs to none.")
        elif sent:
            with act(viewer, "Chosen.") as db:
                choose_event(db, payment_id, options.get(label or ""), viewer, reason)
            st.rerun()


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
with left:
    st.subheader("Whose it is")
    booked_by = f" · booked by {escape_markdown(payment.setter)}" if payment.setter else ""
    st.markdown(f"**{escape_markdown(payment.closer or 'Nobody yet')}**{booked_by}")
    st.text(payment.attribution_reason or "")
    if payment.event_id:
        go("event", "Open the booking", id=str(payment.event_id))
    if payment.superseded_by_id:
        st.info(
            "The processor has reported the same money, so this entry from a form is not counted a"
            " second time."
        )
        go("payment", "Open the processor's record", id=str(payment.superseded_by_id))
    if viewer.is_manager:
        ask_for_call(payment_id, needed=payment.event_id is None)
        if payment.attribution_method == AttributionMethod.MANUAL and st.button(
            "Forget this choice and match again"
        ):
            with act(viewer, "Matched again.") as db:
                clear_choice(db, payment_id)
            st.rerun()
with right:
    facts = {
        "State": word(payment.status, PaymentStatus),
        "Customer": payment.customer_name,
        "E-mail": payment.customer_email,
        "Refunded": (
            money({payment.currency: payment.refund_amount}) if payment.refund_amount else None
        ),
        "Net revenue": money({payment.currency: payment.net_revenue}),
        "Package": payment.package,
        "Source": payment.source,
        "Id at the processor": payment.processor_payment_id,
        "Membership": payment.membership_key,
        "Dispute": word(payment.dispute_status) if payment.disputed else None,
    }
    show_facts(facts)
    for refund in records(refunds):
        kind = "Lost dispute" if refund["kind"] == "dispute" else "Refund"
        amount = money({refund["currency"]: refund["amount"]})
        st.text(
            f"{kind} of {amount}: {word(refund['status'], PaymentStatus)},"
            f" {when(refund['refunded_at'], viewer.timezone)}"
        )
