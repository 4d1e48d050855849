"""Payouts of what forms and the processor's own deliveries say, and of what they say only after an
approval: over all payouts each person is paid what is theirs, once.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from sqlalchemy import select, update

from core.bookings.closer_reassignment import change_closer
from core.bookings.models import Closer, Event
from core.deliveries.models import WebhookConnection
from core.money.attribution import attribute_event, choose_event
from core.money.form_filing import withdraw_form
from core.money.models import Payment, PayoutSnapshotDetail, PayoutSnapshotSummary
from core.money.payout_bridge import before_payouts_start, bridge
from core.money.payout_lines import payout_bounds
from core.money.payout_tables import details_table, payments_without_closer
from core.money.payouts import StaleDraft, approve, create_snapshot, get_snapshot, rebuild
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.dataframes import records
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests import payloads as samples
from tests.flow import handle, work
from tests.money.world import LEAD, PARTNER, World

AUGUST = date(2026, 8, 1), date(2026, 9, 1)
SEPTEMBER = date(2026, 9, 1), date(2026, 10, 1)
OCTOBER = date(2026, 10, 1), date(2026, 11, 1)
MEETING = datetime(2026, 9, 28, 12, tzinfo=UTC)
PAID = datetime(2026, 9, 29, 12, tzinfo=UTC)
LATER = datetime(2026, 10, 5, 12, tzinfo=UTC)
FULL = Decimal(4997)


class Office(World):
    """The world with an admin who makes payouts; Stripe reports over the world's connection."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.admin = make.viewer(self.org)
        self.zone = self.admin.timezone

    def stripe(self, kind, thing, at):
        """One delivery, processed as the worker does it."""
        with as_system(self.org) as db:
            connection = db.get_one(WebhookConnection, (self.org, self.connection))
            handle(db, connection, samples.stripe_event(kind, thing, at))

    def charge(self, at=PAID, email=LEAD, amount=499700, key="A", seen=None, **more):
        """A charge of this moment as Stripe reports it at ``seen``."""
        charge = samples.stripe_charge(key, amount, email, at) | more
        self.stripe("charge.updated", charge, seen or at)

    def refund(self, at=LATER, amount=499700, key="A"):
        self.stripe("refund.created", samples.stripe_refund(key, 1, amount, at), at)

    def draft(self, days):
        with self.admin.transaction() as db:
            return create_snapshot(db, f"{days[0]:%B %Y}", Period(*days, self.zone), self.admin).id

    def approve(self, snapshot):
        with self.admin.transaction() as db:
            approve(db, snapshot, self.admin)

    def approved(self, days):
        snapshot = self.draft(days)
        self.approve(snapshot)
        return snapshot

    def lines(self, snapshot):
        """Reason, closer and net of each line."""
        with self.admin.transaction() as db:
            rows = records(details_table(db, snapshot))
        found = [(row["reason_code"], row["closer_name"], row["net_revenue"]) for row in rows]
        return sorted(found, key=str)

    def sentences(self, snapshot):
        with self.admin.transaction() as db:
            return list(details_table(db, snapshot)["reason"])

    def paid(self):
        """What all payouts together pay, by closer; nobody's and what comes to nothing left out."""
        found = {}
        with as_system(self.org) as db:
            lines = db.execute(
                select(PayoutSnapshotDetail.closer_name, PayoutSnapshotDetail.net_revenue)
            )
            for name, net in lines:
                found[name] = found.get(name, Decimal(0)) + net
        return {name: net for name, net in found.items() if net and name}


@pytest.fixture
def office():
    made = Office()
    made.booked = made.event("Ana", MEETING)
    return made


def test_what_stripe_refunds_after_the_approval_is_deducted_from_its_closer_in_the_next(office):
    office.charge()
    september = office.approved(SEPTEMBER)
    office.refund()
    october = office.approved(OCTOBER)

    assert office.lines(september) == [("payment", "Ana", FULL)]
    assert office.lines(october) == [("refund", "Ana", -FULL)]
    assert office.sentences(october) == [
        "refund of 5 Oct on a payment of 29 Sep, counted in September 2026: −$4,997.00"
    ]
    assert office.paid() == {}


def test_a_dispute_that_is_lost_after_the_approval_is_deducted_and_given_back_once_it_is_won(
    office,
):
    def dispute(status, at):
        thing = {
            "id": "dp_A",
            "object": "dispute",
            "amount": 499700,
            "charge": "ch_A",
            "payment_intent": "pi_A",
            "currency": "usd",
            "created": int(LATER.timestamp()),
            "status": status,
        }
        office.stripe("charge.dispute.closed", thing, at)

    office.charge()
    office.approved(AUGUST)
    september = office.approved(SEPTEMBER)
    dispute("lost", LATER)
    october = office.draft(OCTOBER)
    assert office.lines(october) == [("dispute", "Ana", -FULL)]
    office.approve(october)
    assert (office.lines(september), office.paid()) == ([("payment", "Ana", FULL)], {})

    dispute("won", LATER + timedelta(days=30))
    office.approved((date(2026, 11, 1), date(2026, 11, 15)))
    assert office.paid() == {"Ana": FULL}


BEGUN, SETTLED = datetime(2026, 9, 28, 12, tzinfo=UTC), datetime(2026, 10, 4, 12, tzinfo=UTC)
CAME_IN = "payment of 28 Sep, which came in on 4 Oct"
DEBIT = {
    "pending": ("charge.pending", {"status": "pending", "amount_captured": 0}, BEGUN),
    "succeeded": ("charge.succeeded", {}, SETTLED),
    "refunded": ("charge.refunded", {"amount_refunded": 100}, LATER),
}


@pytest.mark.parametrize(
    "order", [order for size in (1, 2, 3) for order in permutations(DEBIT, size)], ids="-".join
)
def test_a_debit_from_before_payouts_started_is_paid_if_it_came_in_since_in_any_order(order):
    office = Office(payouts_start=OCTOBER[0])
    office.event("Ana", BEGUN - timedelta(days=1))
    for name in order:
        kind, more, at = DEBIT[name]
        charge = samples.stripe_charge("A", 499700, LEAD, BEGUN)
        office.stripe(kind, charge | more, at)
    october = office.draft(OCTOBER)
    came_in = "succeeded" in order
    back = 1 if "refunded" in order else 0
    wanted = [("late", "Ana", FULL - back)] if came_in else []
    assert office.lines(october) == wanted
    assert office.sentences(october) == [CAME_IN] * came_in
    with office.admin.transaction() as db:
        steps = set(bridge(db, get_snapshot(db, october), payout_bounds(db))["step"])
        left_out, _ = before_payouts_start(db, get_snapshot(db, october), payout_bounds(db))
    assert "other" not in steps
    assert left_out == (0 if came_in or order == ("pending",) else 1)


def test_a_debit_that_came_in_since_the_start_is_no_money_from_before_it_in_the_bridge():
    office = Office(payouts_start=date(2026, 9, 15))
    office.event("Ana", datetime(2026, 9, 1, 12, tzinfo=UTC))
    begun = datetime(2026, 9, 10, 12, tzinfo=UTC)
    office.charge(begun, amount=100000, key="B")
    office.stripe("charge.succeeded", samples.stripe_charge("A", 499700, LEAD, begun), PAID)
    september = office.draft(SEPTEMBER)
    for act in (lambda: None, lambda: office.approve(september)):
        act()
        with office.admin.transaction() as db:
            rows = records(bridge(db, get_snapshot(db, september), payout_bounds(db)))
        assert {row["step"]: row["amount"] for row in rows} == {
            "figures": Decimal(5997),
            "before_start": Decimal(-1000),
            "payout": FULL,
        }


def test_a_bank_debit_that_goes_through_after_the_approval_is_paid_in_the_next(office):
    office.charge(status="pending", paid=False)
    assert office.lines(office.approved(SEPTEMBER)) == []
    office.charge(status="succeeded", seen=LATER)

    october = office.approved(OCTOBER)
    [(_, closer, net)] = office.lines(october)
    assert (closer, net) == ("Ana", FULL)
    missed = "payment of 29 Sep, which did not count when September 2026 was approved"
    assert office.sentences(october) == [missed]
    assert office.paid() == {"Ana": FULL}


def test_a_payment_whose_delivery_comes_only_after_the_approval_is_paid_in_the_next(office):
    """A delivery that Stripe retried for days, or that was set aside and replayed."""
    office.charge(key="B", email="lead.two@example.com")
    office.approved(SEPTEMBER)
    office.charge(seen=PAID)
    october = office.approved(OCTOBER)

    assert office.lines(october) == [("late", "Ana", FULL)]
    [sentence] = office.sentences(october)
    said = r"payment of 29 Sep, reported on [\w ]+, after September 2026 was approved"
    assert re.fullmatch(said, sentence)


def test_a_draft_of_a_forms_cash_is_refused_once_stripe_reports_it_for_the_next_period(office):
    office.form(office.booked, at=MEETING + timedelta(hours=1))
    draft = office.draft(SEPTEMBER)
    office.charge(at=datetime(2026, 10, 1, 9, tzinfo=UTC))
    with pytest.raises(StaleDraft):
        office.approve(draft)
    with office.admin.transaction() as db:
        rebuild(db, draft, office.admin)
    office.approve(draft)
    office.approved(OCTOBER)

    assert office.paid() == {"Ana": FULL}


def test_a_forms_cash_that_was_paid_is_not_paid_again_when_stripe_reports_it(office):
    office.form(office.booked, at=MEETING + timedelta(hours=1))
    office.approved(SEPTEMBER)
    office.charge(at=datetime(2026, 10, 1, 9, tzinfo=UTC))
    office.approved(OCTOBER)

    assert office.paid() == {"Ana": FULL}
    assert office.cash() == {"Ana": FULL}


def test_a_draft_of_a_form_that_is_withdrawn_pays_nothing(office):
    office.form(office.booked, by=office.reps["Ana"], at=MEETING + timedelta(hours=1))
    draft = office.draft(SEPTEMBER)
    with office.reps["Ana"].transaction() as db:
        withdraw_form(db, office.booked, office.reps["Ana"])
    with pytest.raises(StaleDraft):
        office.approve(draft)
    with office.admin.transaction() as db:
        rebuild(db, draft, office.admin)
    office.approve(draft)

    assert office.paid() == {}


@pytest.mark.parametrize("is_reported_first", [True, False])
def test_a_refund_of_money_that_was_paid_on_a_form_is_deducted(office, is_reported_first):
    office.form(office.booked, at=MEETING + timedelta(hours=1))
    if is_reported_first:
        office.charge()
    office.approved(SEPTEMBER)
    if not is_reported_first:
        office.charge()
    office.refund()
    office.approved(OCTOBER)

    assert office.paid() == {}
    assert sum(office.cash().values()) == 0


@pytest.mark.parametrize("by", ["booking", "choice"])
def test_money_of_nobody_is_named_before_its_approval_and_paid_once_it_is_somebodys(office, by):
    office.charge(email=PARTNER)
    draft = office.draft(SEPTEMBER)
    with office.admin.transaction() as db:
        assert payments_without_closer(db, draft) == 1
    office.approve(draft)
    assert office.paid() == {}

    if by == "booking":
        booked = office.event("Bo", MEETING - timedelta(days=1), email=PARTNER)
        with as_system(office.org) as db:
            attribute_event(db, booked)
    else:
        with as_system(office.org) as db:
            payment = db.scalars(select(Payment.id)).one()
        with office.mara.transaction() as db:
            choose_event(db, payment, office.booked, office.mara, "her partner")
    office.approved(OCTOBER)

    assert office.paid() == {"Bo" if by == "booking" else "Ana": FULL}


def test_a_correction_of_a_form_after_its_booking_changed_hands_is_said_in_two_lines(office):
    office.form(office.booked, at=MEETING + timedelta(hours=1))
    september = office.approved(SEPTEMBER)
    with as_system(office.org) as db:
        lock_books(db)
        db.get_one(Event, (office.org, office.booked)).closer_id = office.closers["Bo"].id
    office.form(office.booked, at=LATER, notes="corrected")
    october = office.approved(OCTOBER)

    assert office.lines(september) == [("payment", "Ana", FULL)]
    assert office.lines(october) == [("credited", "Ana", -FULL), ("credited", "Bo", FULL)]
    assert office.paid() == {"Bo": FULL}


def test_a_charge_that_moves_its_counted_intent_into_the_next_period_blocks_nothing(office):
    ends = datetime(2026, 9, 30, 21, 59, tzinfo=UTC)  # a minute before midnight in Copenhagen
    intent = samples.stripe_intent("A", 499700, ends)
    office.stripe("payment_intent.succeeded", intent | {"receipt_email": LEAD}, ends)
    office.approved(SEPTEMBER)
    office.charge(at=ends + timedelta(minutes=5))
    office.charge(at=LATER, amount=500, key="B")
    october = office.approved(OCTOBER)

    assert [net for _, _, net in office.lines(october)] == [5]
    assert office.paid() == {"Ana": FULL + 5}


@pytest.mark.parametrize(
    ("zone", "then"),
    [("America/New_York", "Europe/Copenhagen"), ("Europe/Copenhagen", "America/New_York")],
)
def test_another_zone_pays_a_charge_of_the_last_evening_once(zone, then):
    office = Office(timezone=zone)
    office.event("Ana", MEETING)
    office.charge(at=datetime(2026, 10, 1, 1, tzinfo=UTC))  # 30 September, 21:00 in New York
    office.approved(SEPTEMBER)
    with as_system(office.org) as db:
        db.execute(update(Organization).values(timezone=then))
    office.zone = then
    office.approved(OCTOBER)

    assert office.paid() == {"Ana": FULL}


def test_money_chosen_for_a_host_who_becomes_a_closer_is_one_sum_of_theirs(office):
    """Matched by address, and chosen by a manager: both follow the booking's people."""
    with as_system(office.org) as db:
        hers = make.event(
            db, office.org, None, at=MEETING, email="third@example.com", closer_name="Hana Host"
        ).id
        hana = make.closer(db, office.org, "Hana")
    office.charge(email="third@example.com")
    office.charge(email=PARTNER, key="B")
    with as_system(office.org) as db:
        paid = db.scalars(select(Payment.id).where(Payment.customer_email == PARTNER)).one()
    with office.mara.transaction() as db:
        choose_event(db, paid, hers, office.mara, "her partner")
    with as_system(office.org) as db:
        change_closer(db, hana.id, name="Hana Host", email=hana.email, user_id=None, active=True)
        db.flush()
    work()
    september = office.approved(SEPTEMBER)
    with as_system(office.org) as db:
        sums = select(PayoutSnapshotSummary.member_id, PayoutSnapshotSummary.net_revenue).where(
            PayoutSnapshotSummary.snapshot_id == september,
            PayoutSnapshotSummary.dimension == "closer",
        )
        assert db.execute(sums).all() == [(hana.id, 2 * FULL)]
        assert db.scalars(select(Closer.name).where(Closer.id == hana.id)).one() == "Hana Host"


@pytest.mark.parametrize("amounts", [[100000, 50000], [100000], [50000, 50000, 50000]])
def test_refunds_that_a_payout_counted_as_one_total_need_no_lines_when_they_come_one_by_one(
    office, amounts
):
    office.charge()
    office.stripe(
        "charge.refunded",
        samples.stripe_charge("A", 499700, LEAD, PAID) | {"amount_refunded": 150000},
        PAID + timedelta(hours=1),
    )
    office.approved(SEPTEMBER)
    for number, amount in enumerate(amounts, 1):
        made = samples.stripe_refund("A", number, amount, PAID + timedelta(minutes=number))
        office.stripe("refund.created", made, LATER)
        assert office.lines(office.draft(OCTOBER)) == []

    failed = samples.stripe_refund("A", 1, amounts[0], PAID + timedelta(minutes=1))
    office.stripe("refund.failed", failed | {"status": "failed"}, LATER + timedelta(hours=1))
    back = ("refund_changed", "Ana", Decimal(amounts[0]) / 100)
    assert office.lines(office.draft(OCTOBER)) == [back]
