"""What screens show of payments: how they stand in a word, and a manager's decisions about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from core.money.models import UNDONE, PairVerdict, PaymentStatus, RefundKind
from core.money.queries import Unattributed, unattributed_money
from core.money.reconciliation import decide_pair
from core.platform.errors import InvalidInput
from core.tenancy.access.models import AccessSettings
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import settings_of
from core.ui.page import act
from core.ui.parts.drill import address, link_to_rows
from core.ui.parts.format import escape_markdown, money, when, word
from core.ui.parts.forms import Form

UNATTRIBUTED = "Unattributed"  # the view of Payments that lists them, as its address has it
WORDS = {
    PairVerdict.SAME: "Count once",
    PairVerdict.DIFFERENT: "Count both",
    PairVerdict.OPEN: "Undo the decision",
}
DECIDED = {
    PairVerdict.SAME: "Counted once from now on.",
    PairVerdict.DIFFERENT: "Counted as two payments from now on.",
    PairVerdict.OPEN: "Undone. The two are matched automatically again.",
}


@dataclass(frozen=True)
class Pair:
    """A payment that was entered by hand and one that a processor reported, as one line of text."""

    label: str
    entered_id: UUID
    reported_id: UUID


def payment_states(payments: pd.DataFrame) -> list[str]:
    """The state of each row of ``payments_table``: what matters more than the processor's word
    comes first.
    """
    return [payment_state(row) for row in payments.itertuples()]


def payment_state(payment: Any) -> str:
    """How a payment stands. One that succeeded, is no record of another payment and does not count
    all the same was withdrawn with its form.
    """
    if payment.superseded_by_id is not None:
        return "Duplicate, not counted"
    if payment.status == PaymentStatus.SUCCEEDED and not payment.counts:
        return "Form withdrawn, not counted"
    if payment.counts and payment.refund_amount and not payment.net_revenue:
        return "Refunded"
    if payment.disputed:
        return "Disputed"
    is_partly_back = payment.counts and payment.refund_amount
    return "Partly refunded" if is_partly_back else word(payment.status, PaymentStatus)


def refund_line(refund: Mapping[str, Any]) -> str:
    """A refund or lost dispute in words, with what of it counts where that is less."""
    kind = "Lost dispute" if refund["kind"] == RefundKind.DISPUTE else "Refund"
    amount, counted = (
        money({refund["currency"]: refund[name]}) for name in ("amount", "counted_amount")
    )
    is_cut = refund["status"] not in UNDONE and amount != counted
    part = f", of which {counted} counts, as no more can go back than was paid" if is_cut else ""
    state = word(refund["status"], PaymentStatus)
    return f"{kind} of {amount}{part}: {state.lower()}"


def counting_net(payments: pd.DataFrame) -> pd.Series[Any]:
    """The net revenue of each row of ``payments_table``, without the rows that are in no figure."""
    return payments["net_revenue"].where(payments["counts"].astype(bool), None)


def numbered_apart(labels: Sequence[str]) -> list[str]:
    """The labels, with a number behind each that stands there several times: a choice among them
    is known by its label.
    """
    seen: dict[str, int] = {}
    made = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        made.append(label if labels.count(label) == 1 else f"{label} · no. {seen[label]}")
    return made


def pair_of(row: dict[str, Any], timezone: str) -> Pair:
    """One row of what is to be reconciled."""
    entered = money({row["currency"]: row["amount"]})
    reported = money({row["other_currency"]: row["other_amount"]})
    facts = (
        row["customer_email"],
        f"{entered} entered {when(row['payment_date'], timezone)}",
        f"{reported} charged {when(row['other_date'], timezone)}",
        "counted as the same money in a payout" if row["is_same"] else None,
    )
    return Pair(" · ".join(filter(None, facts)), row["payment_id"], row["other_payment_id"])


def decide_pairs(viewer: Viewer, pairs: Sequence[Pair]) -> None:
    """A form in which a manager says of one of ``pairs`` whether it is the same money."""
    labels = numbered_apart([pair.label for pair in pairs])
    options: Mapping[str, Pair] = dict(zip(labels, pairs, strict=True))
    form = Form("pairs")
    with form.drawn():
        label = form.field(
            "pair",
            "Most likely first",
            st.radio,
            options=list(options),
            index=None,
            format_func=escape_markdown,
        )
        reason = form.field(
            "reason",
            "Reason (required)",
            st.text_input,
            placeholder="The card was charged a day later",
        )
        pressed = {
            verdict: place.form_submit_button(words)
            for (verdict, words), place in zip(WORDS.items(), st.columns(len(WORDS)), strict=True)
        }
    verdict = next((each for each, is_pressed in pressed.items() if is_pressed), None)
    if verdict is None:
        return
    with act(viewer, DECIDED[verdict], form) as db:
        if label is None:
            raise InvalidInput("Choose the payment first.", field="pair")
        pair = options[label]
        decide_pair(db, pair.entered_id, pair.reported_id, verdict, viewer, reason)
    st.rerun()


def unattributed_for(db: Session, viewer: Viewer) -> Unattributed | None:
    """What ``show_unattributed`` shows: to those who can match it, and None to everybody else."""
    return unattributed_money(db) if viewer.is_manager else None


def show_unattributed(loose: Unattributed | None) -> None:
    """How much money has no booking, and the way to all of it; nothing where there is none."""
    if loose is None or not loose.count:
        return
    what, way = st.columns([8, 3], vertical_alignment="center")
    what.warning(escape_markdown(f"Unattributed: {loose.in_words}."), icon=":material/link_off:")
    with way:
        link_to_rows(address("payments", {"view": UNATTRIBUTED}), way_to_match(loose.count))


def way_to_match(count: int) -> str:
    """What a link to payments without a booking says."""
    return "Match it to a booking" if count == 1 else "Match them to bookings"


def why_none_is_unattributed(viewer: Viewer, *, narrowed: bool) -> tuple[str, str]:
    """What to say instead of an empty list: that all is well only to whoever would see it."""
    with viewer.transaction() as db:
        sees_everybody = viewer.sees_everybody(settings_of(db, AccessSettings))
    if narrowed:
        return (
            "No payments here",
            "No payment without a booking fits these filters. Clear a filter.",
        )
    if not sees_everybody:
        return (
            "None that you can see",
            "A payment without a booking belongs to no team yet. Only those who see everybody's"
            " payments see it.",
        )
    return (
        "Every payment has its booking",
        "Payments that match no booking appear here. They are matched by themselves when the"
        " booking arrives.",
    )
