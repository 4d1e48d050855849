"""One organisation whose payouts are made, and what is done there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import update

from core.bookings.models import Closer
from core.money.models import Payment
from core.money.payout_tables import details_table
from core.money.payouts import approve, create_snapshot, get_snapshot
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.dataframes import records
from core.tenancy.access.viewers import Viewer
from tests import factories as make

ZONE = "Europe/Copenhagen"
SEPTEMBER = Period(date(2026, 9, 1), date(2026, 10, 1), ZONE)
OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1), ZONE)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1), ZONE)
DECEMBER = Period(date(2026, 12, 1), date(2027, 1, 1), ZONE)
NAMES = {9: "September 2026", 10: "October 2026", 11: "November 2026", 12: "December 2026"}


def at(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@dataclass
class Desk:
    """One organisation with two closers, and whoever makes its payouts."""

    admin: Viewer
    ana: Closer
    bo: Closer

    @property
    def org(self) -> UUID:
        return self.admin.organization_id

    def pay(self, amount: str = "4997.00", **values: object) -> Payment:
        with as_system(self.org) as db:
            values = {"at": at(10, 30), "closer_id": self.ana.id} | values
            return make.payment(db, self.org, amount, **values)

    def refund(self, paid: Payment, amount: str, when: datetime, **values: object) -> None:
        with as_system(self.org) as db:
            make.refund(db, paid, amount, at=when, **values)

    def change(self, paid: Payment, **values: object) -> None:
        with as_system(self.org) as db:
            lock_books(db)
            db.execute(update(Payment).where(Payment.id == paid.id).values(**values))

    def draft(self, period: Period) -> UUID:
        with self.admin.transaction() as db:
            name = NAMES[period.start.month]
            return create_snapshot(db, name, period, self.admin).id

    def approve(self, snapshot: UUID) -> None:
        with self.admin.transaction() as db:
            approve(db, snapshot, self.admin)

    def approved(self, period: Period) -> UUID:
        snapshot = self.draft(period)
        self.approve(snapshot)
        return snapshot

    def lines(self, snapshot: UUID) -> list[tuple[str, str | None, Decimal]]:
        """Reason, closer and net of each line."""
        with self.admin.transaction() as db:
            rows = records(details_table(db, snapshot))
        return [(row["reason_code"], row["closer_name"], row["net_revenue"]) for row in rows]

    def sentences(self, snapshot: UUID) -> list[str | None]:
        with self.admin.transaction() as db:
            return list(details_table(db, snapshot)["reason"])

    def net(self, snapshot: UUID) -> dict[str, Decimal]:
        with self.admin.transaction() as db:
            totals = get_snapshot(db, snapshot).totals
        return {currency: Decimal(sums["net_revenue"]) for currency, sums in totals.items()}
