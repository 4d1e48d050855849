"""The conservation law of payouts: whatever happens to bookings, forms and payments, and whenever
payouts are approved, after a last payout everybody has been paid what the facts say, to the cent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.bookings.models import Event, Package
from core.money.models import Payment, PayoutSnapshotDetail, Refund
from core.money.payout_lines import period_of_snapshot
from core.money.payout_tables import details_table
from core.money.payouts import StaleDraft, approve, create_snapshot, hold_back
from core.money.payouts import rebuild as rebuild_draft
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests.money.payout_oracle import Truth, midnight, paid_out

BY_DAY, AT_NIGHT = 200, 20_000  # histories
PART, PART_AT_NIGHT = 50, 500  # those of one test, of which workers share the tests
FIRST = date(2021, 6, 1)
NOW = datetime(2021, 6, 1, 9, tzinfo=UTC)
ZONES = ("Europe/Copenhagen", "America/New_York", "Pacific/Auckland")
CURRENCIES = ("USD", "USD", "JPY")
STEPS = (
    "pay",
    "pay",
    "refund",
    "refund",
    "refund_ends",
    "reassign",
    "choose",
    "pair",
    "part",
    "correct",
    "take_back",
    "fail",
    "settle",
    "move_day",
    "change_zone",
    "make_draft",
    "approve",
    "approve",
)
Step = tuple[str, int, int, int]
HISTORIES = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 11), st.integers(0, 11), st.integers(0, 100)),
    min_size=4,
    max_size=22,
)


class History:
    """One organisation to which things happen; each step changes bare facts or acts on payouts."""

    def __init__(self) -> None:
        self.org = make.organization()
        self.admin = make.viewer(self.org)
        self.zone = ZONES[0]
        self.end = FIRST + timedelta(days=20)  # where the next payout begins
        self.truth = Truth(self.org)
        self.draft: tuple[UUID, Period] | None = None
        self.payments: list[UUID] = []
        self.refunds: list[UUID] = []
        with as_system(self.org) as db:
            closers = [make.closer(db, self.org, name) for name in ("Ana", "Bo")]
            setters = [make.setter(db, self.org, name) for name in ("Sam", "Tara")]
            sources = [make.source(db, self.org), None]
            package = Package(organization_id=self.org, name="Core")
            db.add(package)
            db.flush()
            self.packages = [package.id, None]
            self.events = [
                make.event(
                    db,
                    self.org,
                    closer,
                    set_by=setter,
                    at=NOW,
                    source_id=source and source.id,
                    **({} if closer else {"closer_name": "Guest host"}),
                ).id
                for closer, setter, source in zip(
                    [*closers, None], [*setters, None], [*sources, None], strict=True
                )
            ]
            self.closers = [*(each.id for each in closers), None]

    def live(self, steps: list[Step]) -> None:
        for name, *numbers in steps:
            if name in ("make_draft", "approve"):
                getattr(self, name)(*numbers)
                continue
            with as_system(self.org) as db:
                getattr(self, name)(db, *numbers)

    # facts

    def pay(self, db: Session, which: int, how: int, day: int) -> None:
        """Cash on a form, or a processor's payment, of a booking or of none."""
        paid = make.payment(
            db,
            self.org,
            f"{which + 1}00",
            currency=CURRENCIES[how % 3],
            at=NOW + timedelta(days=day, hours=how),
            processor="manual" if how % 4 == 0 else "stripe",
            status="pending" if how == 11 else "succeeded",
            package_id=self.packages[how % 2],
        )
        self.payments.append(paid.id)
        self._assign(db, paid.id, how)

    def _assign(self, db: Session, payment: UUID, number: int) -> None:
        """The people of the booking with this number; of every fourth, of none."""
        chosen = self.events[number % 4] if number % 4 < 3 else None
        event = chosen and db.get_one(Event, (self.org, chosen))
        columns = ("closer_id", "setter_id", "source_id")
        people: dict[str, Any] = {name: getattr(event, name, None) for name in columns}
        self._change(db, payment, event_id=chosen, **people)

    def _change(self, db: Session, payment: UUID, **values: object) -> None:
        lock_books(db)
        db.execute(update(Payment).where(Payment.id == payment).values(**values))

    def _some(self, number: int) -> UUID | None:
        return self.payments[number % len(self.payments)] if self.payments else None

    def refund(self, db: Session, which: int, how: int, day: int) -> None:
        if (payment := self._some(which)) is not None:
            kind = {"kind": "dispute"} if how % 3 == 0 else {}
            at = NOW + timedelta(days=day, hours=1)
            row = db.get_one(Payment, (self.org, payment))
            self.refunds.append(make.refund(db, row, f"{how + 1}", at=at, **kind).id)

    def refund_ends(self, db: Session, which: int, how: int, _day: int) -> None:
        """It fails, is won back, or succeeds after all."""
        if self.refunds:
            status = ("failed", "canceled", "succeeded")[how % 3]
            refund = self.refunds[which % len(self.refunds)]
            lock_books(db)
            db.execute(update(Refund).where(Refund.id == refund).values(status=status))

    def reassign(self, db: Session, which: int, how: int, _day: int) -> None:
        """A booking goes to another closer, and its payments with it."""
        event, closer = self.events[which % 3], self.closers[how % 3]
        lock_books(db)
        db.execute(update(Event).where(Event.id == event).values(closer_id=closer))
        theirs = update(Payment).where(Payment.event_id == event)
        db.execute(theirs.values(closer_id=closer))

    def choose(self, db: Session, which: int, how: int, _day: int) -> None:
        if (payment := self._some(which)) is not None:
            self._assign(db, payment, how)

    def pair(self, db: Session, which: int, how: int, _day: int) -> None:
        """Two payments turn out to be the same money."""
        one, other = self._some(which), self._some(how)
        rows = {row.id: row for row in db.scalars(select(Payment))}
        if one == other or one is None or other is None:
            return
        stands_for_none = all(row.superseded_by_id != one for row in rows.values())
        if stands_for_none and rows[other].superseded_by_id is None:
            self._change(db, one, superseded_by_id=other, currency=rows[other].currency)

    def part(self, db: Session, which: int, _how: int, _day: int) -> None:
        """They were not the same money after all."""
        if (payment := self._some(which)) is not None:
            self._change(db, payment, superseded_by_id=None)

    def correct(self, db: Session, which: int, how: int, _day: int) -> None:
        if (payment := self._some(which)) is not None:
            self._change(db, payment, amount=Decimal(how + 1) * 50, currency=CURRENCIES[how % 3])

    def take_back(self, db: Session, which: int, how: int, _day: int) -> None:
        """A form is withdrawn, or filed again."""
        if (payment := self._some(which)) is not None:
            self._change(db, payment, deleted_at=NOW if how % 3 else None)

    def fail(self, db: Session, which: int, how: int, _day: int) -> None:
        if (payment := self._some(which)) is not None:
            self._change(db, payment, status="failed" if how % 3 == 0 else "succeeded")

    def settle(self, db: Session, which: int, _how: int, day: int) -> None:
        """Money that was begun earlier comes in."""
        if (payment := self._some(which)) is not None:
            settled = {"status": "succeeded", "settled_at": NOW + timedelta(days=day)}
            self._change(db, payment, **settled)

    def move_day(self, db: Session, which: int, _how: int, day: int) -> None:
        if (payment := self._some(which)) is not None:
            self._change(db, payment, payment_date=NOW + timedelta(days=day))

    def change_zone(self, db: Session, which: int, _how: int, _day: int) -> None:
        self.zone = ZONES[which % 3]
        where = Organization.id == self.org
        db.execute(update(Organization).where(where).values(timezone=self.zone))

    # payouts

    def make_draft(self, which: int, _how: int, _day: int) -> None:
        """A draft that may be stale when it is approved."""
        period = Period(self.end, self.end + timedelta(days=7 + 3 * which), self.zone)
        with self.admin.transaction() as db:
            self.draft = create_snapshot(db, f"From {self.end}", period, self.admin).id, period

    def approve(self, which: int, how: int, _day: int) -> None:
        if self.draft is None or self.draft[1].start < self.end:
            self.make_draft(which, 0, 0)
        assert self.draft is not None
        snapshot, period = self.draft
        self._approve(snapshot, period, hold_number=which if how % 3 == 0 else None)

    def _approve(self, snapshot: UUID, period: Period, hold_number: int | None) -> None:
        with self.admin.transaction() as db:
            held = self._hold(db, snapshot, hold_number)
        with self.admin.transaction() as db:
            try:
                approve(db, snapshot, self.admin)
            except StaleDraft:
                period = period_of_snapshot(rebuild_draft(db, snapshot, self.admin))
                held = self._held(db, snapshot)
                approve(db, snapshot, self.admin)
        start = midnight(period.start, period.timezone)
        self.truth.approved(start, midnight(period.end, period.timezone), held)
        self.end, self.draft = period.end, None

    def _hold(self, db: Session, snapshot: UUID, number: int | None) -> set[UUID]:
        if number is not None and len(lines := details_table(db, snapshot)):
            hold_back(db, lines["id"][number % len(lines)], "looks odd", self.admin)
        return self._held(db, snapshot)

    def _held(self, db: Session, snapshot: UUID) -> set[UUID]:
        line = PayoutSnapshotDetail
        held = select(line.payment_id).where(
            line.snapshot_id == snapshot, line.held_back.is_not(None)
        )
        return set(db.scalars(held))

    def pay_everything(self) -> tuple[datetime, int]:
        """Two last payouts, far beyond everything that happened: the end of the first, and how many
        lines the second has.
        """
        last = Period(self.end, self.end + timedelta(days=400), self.zone)
        with self.admin.transaction() as db:
            snapshot = create_snapshot(db, "Last", last, self.admin).id
        self._approve(snapshot, last, hold_number=None)
        again = Period(last.end, last.end + timedelta(days=7), self.zone)
        with self.admin.transaction() as db:
            made = create_snapshot(db, "Nothing new", again, self.admin)
            approve(db, made.id, self.admin)
            lines = len(details_table(db, made.id))
        return midnight(last.end, last.timezone), lines


def holds(steps: list[Step]) -> None:
    """The law, for one history."""
    history = History()
    history.live(steps)
    end, lines_of_nothing_new = history.pay_everything()
    assert paid_out(history.org) == history.truth.earned(end)
    assert lines_of_nothing_new == 0


def the_law(histories: int) -> Callable[[], None]:
    @settings(max_examples=histories)
    @given(HISTORIES)
    def law(steps: list[Step]) -> None:
        holds(steps)

    return law


@pytest.mark.parametrize("part", range(BY_DAY // PART))
def test_after_a_last_payout_everybody_was_paid_what_the_facts_say(part):
    seed(part)(the_law(PART))()  # other histories in each part


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(AT_NIGHT // PART_AT_NIGHT))
def test_twenty_thousand_histories_pay_what_the_facts_say(part):
    the_law(PART_AT_NIGHT)()
