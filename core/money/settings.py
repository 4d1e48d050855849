"""Settings of money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.money.models import MoneySettings, PayoutSnapshot, PayoutSnapshotDetail, SnapshotState
from core.platform.advisory_locks import lock_books
from core.platform.errors import Conflict
from core.tenancy.organizations.settings import Setting, SettingsGroup

_FROM_NOW_ON = "Applies to new payments at once, and to all others by tomorrow."


def _payouts_start_stands(db: Session, changes: Mapping[str, Any]) -> None:
    """The day stays once an approved payout has a line, also one that is held back: it comes again
    in a later payout, unless the day is after it. Raises Conflict from then on.
    """
    if "payouts_start" not in changes:
        return
    lock_books(db)  # an approval that goes on at the same time has set it already
    lines = PayoutSnapshotDetail
    counted = (
        select(lines.id)
        .join(PayoutSnapshot, PayoutSnapshot.id == lines.snapshot_id)
        .where(PayoutSnapshot.state != SnapshotState.DRAFT)
    )
    if db.scalars(counted.limit(1)).first() is not None:
        raise Conflict("Payouts have started, so the day from which they count stays.")


MONEY = SettingsGroup(
    "Money",
    MoneySettings,
    (
        Setting(
            "forward_attribution_days",
            "Match payments made before the booking, up to",
            "number",
            "A payment without an earlier booking then belongs to the first booking within these"
            " days after it.",
            _FROM_NOW_ON,
            "days",
            1,
            365,
            "never: only bookings before the payment",
        ),
        Setting(
            "reconciliation_days",
            "Treat cash and a card payment as the same money within",
            "number",
            "Cash from a form and a payment from a processor, of one customer and one amount, so"
            " close together count once.",
            _FROM_NOW_ON,
            "days",
            0,
            60,
        ),
        Setting(
            "accept_test_mode",
            "Count test payments",
            "switch",
            "For trying a processor out: test payments count as real money.",
            "Switch it off before real work begins; test payments that were counted stay.",
        ),
        Setting(
            "payouts_start",
            "Payouts count from",
            "day",
            "Payments dated before this day, and their refunds, were settled elsewhere and are in"
            " no payout.",
            "It can be set until an approved payout has a line, and stays from then on.",
            empty="the first day of the first payout",
        ),
    ),
    _payouts_start_stands,
)
