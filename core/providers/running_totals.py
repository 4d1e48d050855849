"""Refunds that only a payment's running total knows of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.money.payment_facts import TOTAL_OF, RefundFact

# Events of one change at a processor are dated up to so far apart.
ONE_MOMENT = timedelta(seconds=3)


@dataclass(frozen=True)
class Total:
    """What had been given back by ``seen``; ``at`` is when the refund that made it so happened, as
    far as that is known. ``seen`` is None for a state without a date.
    """

    amount: Decimal
    seen: datetime | None
    at: datetime


@dataclass(frozen=True)
class SingleRefund:
    """A refund that was reported by itself. ``undone_at`` is since when it is known to have failed
    or to be cancelled.
    """

    amount: Decimal
    made_at: datetime | None
    is_undone: bool = False
    undone_at: datetime | None = None

    def is_in(self, total: Total) -> bool:
        """Whether the total holds it: it was made before and had not failed by then."""
        if total.seen is None:
            return True
        if self.made_at is not None and self.made_at > total.seen:
            return False
        return not self.is_undone or self.undone_at is None or self.undone_at > total.seen


def only_in_totals(totals: Iterable[Total], refunds: Sequence[SingleRefund]) -> list[RefundFact]:
    """What the last of ``totals``, which come in the order of time, knows beyond ``refunds``: one
    refund for each moment at which the total went up without them. So a refund is dated when it was
    first reported, and a later one does not move it. Where the total goes down, the latest goes.
    """
    steps: list[tuple[datetime, Decimal]] = []
    beyond, before, last = Decimal(0), None, None
    for total in totals:
        refunds, last = _not_taken_out(refunds, last, total), total
        inside = sum((each.amount for each in refunds if each.is_in(total)), Decimal(0))
        rest = max(total.amount - inside, Decimal(0))
        steps = _up_to(steps, min(rest, beyond))
        if rest > beyond:
            steps.append((_after(before, total), rest - beyond))
        beyond, before = rest, total.seen or before
    amounts: dict[datetime, Decimal] = {}
    for at, amount in steps:
        amounts[at] = amounts.get(at, Decimal(0)) + amount
    return [
        RefundFact(
            key=f"{TOTAL_OF}{at.isoformat(timespec='microseconds')}",
            amount=amount,
            status="succeeded",
            at=at,
            is_remainder=True,
        )
        for at, amount in amounts.items()
    ]


def _not_taken_out(
    refunds: Sequence[SingleRefund], before: Total | None, total: Total
) -> Sequence[SingleRefund]:
    """Without the refund whose failure took the total down. The total may be dated a moment before
    the failure, as if it still held the refund.
    """
    if before is None or total.seen is None:
        return refunds
    fell, by_then = before.amount - total.amount, total.seen + ONE_MOMENT
    for each in refunds:
        failed_now = each.is_undone and each.undone_at is not None and each.undone_at <= by_then
        if failed_now and each.amount == fell and each.is_in(total):
            return [other for other in refunds if other is not each]
    return refunds


def _after(before: datetime | None, total: Total) -> datetime:
    """A refund that the total did not hold when it was seen ``before`` was not made before then."""
    is_older = before is not None and total.at <= before
    return (total.seen or total.at) if is_older else total.at


def _up_to(
    steps: Sequence[tuple[datetime, Decimal]], most: Decimal
) -> list[tuple[datetime, Decimal]]:
    """The first of the steps, as far as they are ``most`` together."""
    found: list[tuple[datetime, Decimal]] = []
    for at, amount in steps:
        part = min(amount, most - sum((each for _, each in found), Decimal(0)))
        if part > 0:
            found.append((at, part))
    return found
