"""What happened to one payment, from its arrival to the payouts that count it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from core.money.models import PROCESSOR_LABELS, LineKind, PaymentStatus
from core.money.payout_tables import signed
from core.money.reasons import sentence_in_words
from core.ui.panels.payments import refund_line
from core.ui.parts.format import money, word

Line = dict[str, Any]


def history_of(payment: Row[Any], refunds: Sequence[Line], payouts: Sequence[Line]) -> list[Line]:
    """A line for each thing that happened, the latest first, as ``show_timeline`` draws them:
    ``payment`` is of ``payment_detail``, the others of ``refunds_of`` and ``payouts_of``.
    """
    lines = [
        {"at": at, "summary": summary, "subject_id": payment.id}
        for at, summary in (
            *_arrival(payment),
            *((each["refunded_at"], refund_line(each)) for each in refunds),
            *((each["approved_at"], _counted(each)) for each in payouts),
        )
    ]
    return sorted(lines, key=lambda line: line["at"], reverse=True)


def _arrival(payment: Row[Any]) -> Iterator[tuple[datetime, str]]:
    amount, through = money({payment.currency: payment.amount}), payment.processor
    state = "" if payment.status == PaymentStatus.SUCCEEDED else f": {word(payment.status).lower()}"
    yield payment.payment_date, f"Payment of {amount} · {word(through, PROCESSOR_LABELS)}{state}"
    decided = payment.chosen_at or payment.attributed_at
    if decided is not None and payment.attribution_reason:
        yield decided, sentence_in_words(payment.attribution_reason)


def _counted(line: Line) -> str:
    """A line of a payout that was approved."""
    if line["held_back"] is not None:
        return f"Held back in the payout “{line['name']}”"
    amount = signed(line["net_revenue"], line["currency"])
    what = "Counted" if line["kind"] == LineKind.PAYMENT else "Adjusted"
    return f"{what} in the payout “{line['name']}”: {amount}"
