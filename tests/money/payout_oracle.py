"""What everybody has earned, in plain Python from the bare facts; nothing here is shared with the
product's payouts.

Beside the facts it knows one thing of the past: which payments a payout has counted, since money
from before payouts started is nobody's, unless it is the same as what they have counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from core.platform.database import as_system

Row = dict[str, Any]
ROLES = ("closer", "setter", "source", "package")
PAYMENTS = """
    select id, amount, currency, status, payment_date, settled_at, deleted_at, superseded_by_id,
           closer_id, setter_id, source_id, package_id from app.payments
"""
REFUNDS = "select payment_id, amount, status, refunded_at from app.refunds"


def midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(zone))


def rows(org: UUID, query: str) -> list[Row]:
    with as_system(org) as db:
        return [dict(row) for row in db.execute(text(query)).mappings()]


@dataclass
class Truth:
    """The facts of one organisation. ``start`` is set by its first approval."""

    org: UUID
    start: datetime | None = None
    counted: set[UUID] = field(default_factory=set)

    def approved(self, start: datetime, end: datetime, held: set[UUID]) -> None:
        """A payout up to ``end`` was approved, without the payments ``held``."""
        self.start = self.start or start
        self.counted |= {payment["id"] for payment in self._worth(end)} - held

    def _worth(self, end: datetime) -> Iterator[Row]:
        """The payments that count by ``end``, each with what of it went back."""
        payments = {row["id"]: row for row in rows(self.org, PAYMENTS)}
        of_each: dict[UUID, Decimal] = defaultdict(Decimal)
        for refund in rows(self.org, REFUNDS):
            of = payments[refund["payment_id"]]
            is_taken_back = refund["status"] in ("failed", "canceled")
            if is_taken_back or refund["refunded_at"] >= end or not _is_money(of):
                continue
            of_each[of["id"]] += refund["amount"]
        back: dict[UUID, Decimal] = defaultdict(Decimal)
        for payment_id, amount in of_each.items():
            of = payments[payment_id]
            back[of["superseded_by_id"] or of["id"]] += min(amount, of["amount"])
        stood_for = {
            payment["superseded_by_id"]
            for payment in payments.values()
            if payment["id"] in self.counted and self._is_of_payouts(payment)
        }
        for payment in payments.values():
            is_in_scope = self._is_of_payouts(payment) or payment["id"] in stood_for
            is_live = _is_money(payment) and payment["superseded_by_id"] is None
            if is_in_scope and is_live and payment["payment_date"] < end:
                yield payment | {"back": back[payment["id"]]}

    def _is_of_payouts(self, payment: Row) -> bool:
        """Whether it was begun, or came to be money, since payouts started."""
        moments = payment["payment_date"], payment["settled_at"]
        return any(moment is not None and moment >= self.start for moment in moments)

    def earned(self, end: datetime) -> dict[tuple[str, UUID | None, str], tuple[Decimal, Decimal]]:
        """Cash and refunds by role, person and currency, where there are any."""
        sums: dict[Any, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for payment in self._worth(end):
            for role in ROLES:
                of = sums[role, payment[f"{role}_id"], payment["currency"]]
                of[0] += payment["amount"]
                of[1] += payment["back"]
        return {key: (cash, back) for key, (cash, back) in sums.items() if cash or back}


def _is_money(payment: Row) -> bool:
    return payment["status"] == "succeeded" and payment["deleted_at"] is None


def paid_out(org: UUID) -> dict[tuple[str, UUID | None, str], tuple[Decimal, Decimal]]:
    """The same of the lines of approved payouts, added up one by one."""
    sums: dict[Any, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    lines = rows(
        org,
        """
        select d.* from app.payout_snapshot_details d
          join app.payout_snapshots s on s.organization_id = d.organization_id
           and s.id = d.snapshot_id
         where s.state <> 'draft' and d.held_back is null
    """,
    )
    for line in lines:
        assert line["net_revenue"] == line["amount"] - line["refund_amount"]
        for role in ROLES:
            of = sums[role, line[f"{role}_id"], line["currency"]]
            of[0] += line["amount"]
            of[1] += line["refund_amount"]
    return {key: (cash, back) for key, (cash, back) in sums.items() if cash or back}
