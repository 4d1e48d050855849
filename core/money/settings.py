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

_FROM_NOW_ON = "Applies to new payments immediately, and to existing ones by tomorrow."


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
        raise Conflict("Payouts have started, so their first day can no longer be changed.")


MONEY = SettingsGroup(
    "Money",
    MoneySettings,
    (
        Setting(
            "forward_attribution_days",
            "Match payments made before the booking",
            "number",
            "A payment without an earlier booking is matched to the first booking within this many"
            " days after it.",
            _FROM_NOW_ON,
            "days",
            1,
            365,
            "never",
        ),
        Setting(
            "reconciliation_days",
            "Duplicate payment window",
            "number",
            "Cash on a form and a payment from a processor count once if customer and amount are"
            " the same and they are this close together.",
            _FROM_NOW_ON,
            "days",
            0,
            60,
        ),
        Setting(
            "accept_test_mode",
            "Count test payments",
            "switch",
            "For trying out a processor: test payments count as real money.",
            "Switch this off before you go live. Test payments already counted stay.",
        ),
        Setting(
            "payouts_start",
            "Payouts start on",
            "day",
            "Earlier payments and their refunds count as already paid out and are in no payout.",
            "You can change this until a payout with a payment has been approved.",
            empty="the first day of the first payout",
        ),
    ),
    _payouts_start_stands,
)
