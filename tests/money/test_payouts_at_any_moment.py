"""Payouts are approved at any moment of a random organisation's life, also at the very moment of a
booking, a form, a payment, a choice or a refund: after a last one everybody has been paid what is
theirs, once.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from core.money.models import Payment, PayoutSnapshotDetail
from core.money.payout_tables import details_table
from core.money.payouts import StaleDraft, approve, create_snapshot, rebuild
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.errors import Conflict
from tests import factories as make
from tests.by_day import first
from tests.money.attribution_oracle import Money
from tests.money.random_facts import History, Step

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 20)  # everything lies between
EARNED = """
    select p.closer_id, p.amount - coalesce(sum(r.amount), 0) as net from app.payments p
      left join app.payments o on p.id in (o.id, o.superseded_by_id)
      left join app.refunds r on r.payment_id = o.id and r.status not in ('failed', 'canceled')
     where p.status = 'succeeded' and p.deleted_at is null and p.superseded_by_id is null
     group by p.id, p.closer_id, p.amount
"""


class Life(History):
    """The steps of ``History``, with refunds among them and payouts between and beside them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.admin = make.viewer(self.org)
        self.end = FIRST
        for card in [each for each in self.facts.money.values() if not each.is_entered]:
            if self.dice.random() < 0.4:
                self.step(uuid4(), {card.id}, lambda card=card: self.refund(card))

    def refund(self, card: Money) -> None:
        with as_system(self.org) as db:
            paid = db.get_one(Payment, (self.org, card.id))
            make.refund(db, paid, "100", at=card.at + timedelta(hours=30))

    def decide(self, pair: tuple[UUID, UUID], verdict: str) -> None:
        with suppress(Conflict):  # it contradicts what a payout has counted as one by then
            super().decide(pair, verdict)

    def live(self) -> None:
        for step in self.in_some_order():
            chance = self.dice.random() if self.end < LAST - timedelta(days=2) else 1
            if chance < 0.15:
                self.at_once(step)
                continue
            step()
            if chance < 0.3:
                self.approve_next()
        self.approve_next(LAST)

    def at_once(self, step: Step) -> None:
        """The step and an approval begin together; each draft was made before."""
        snapshot, start = self.draft(), Barrier(2)

        def together(act: Step) -> None:
            start.wait()
            act()

        with ThreadPoolExecutor(2) as both:
            acts = [both.submit(together, act) for act in (step, lambda: self.approve(snapshot))]
            for each in acts:
                each.result()

    def draft(self, end: date | None = None) -> UUID:
        period = Period(self.end, end or self.end + timedelta(days=2), self.admin.timezone)
        self.end = period.end
        with self.admin.transaction() as db:
            return create_snapshot(db, f"To {period.end}", period, self.admin).id

    def approve_next(self, end: date | None = None) -> UUID:
        snapshot = self.draft(end)
        self.approve(snapshot)
        return snapshot

    def approve(self, snapshot: UUID) -> None:
        for _ in range(5):
            try:
                with self.admin.transaction() as db:
                    approve(db, snapshot, self.admin)
            except StaleDraft:
                with self.admin.transaction() as db:
                    rebuild(db, snapshot, self.admin)
            else:
                return
        raise AssertionError("the draft never equals the present")

    def paid(self) -> dict[UUID | None, Decimal]:
        line = PayoutSnapshotDetail
        with as_system(self.org) as db:
            sums = select(line.closer_id, func.sum(line.net_revenue)).group_by(line.closer_id)
            return {closer: net for closer, net in db.execute(sums) if net}

    def earned(self) -> dict[UUID | None, Decimal]:
        sums: dict[UUID | None, Decimal] = defaultdict(Decimal)
        with as_system(self.org) as db:
            for closer, net in db.execute(text(EARNED)):
                sums[closer] += net
        return {closer: net for closer, net in sums.items() if net}


def check(seed: int) -> None:
    life = Life(seed)
    life.live()
    assert life.paid() == life.earned()
    again = life.approve_next(LAST + timedelta(days=1))
    with life.admin.transaction() as db:
        assert details_table(db, again).empty


@pytest.mark.parametrize("seed", first(range(15), range(8)))
def test_whenever_payouts_are_approved_everybody_is_paid_what_is_theirs(seed):
    check(seed)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_whenever_payouts_are_approved_in_a_thousand_lives():
    for seed in range(1000, 2000):
        check(seed)
