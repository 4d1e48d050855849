"""Each payment lands on the right call, says why, and stays where a person
has put it.
"""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from sqlalchemy import select

from core.bookings.models import Event
from core.money.attribution import attribute_event, attribute_payment, choose_event, clear_choice
from core.money.models import Payment
from core.money.payouts import approve, create_snapshot
from core.people.actions import Person, add_email, find_or_make_contact
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.errors import InvalidInput
from tests import factories as make
from tests.factories import NOON

NOVEMBER = Period(
    NOON.date().replace(day=1), NOON.date().replace(month=12, day=1), "Europe/Copenhagen"
)


@pytest.fixture
def org():
    return make.organization()


def attributed(org, payment_id):
    with as_system(org) as db:
        attribute_payment(db, payment_id)
    with as_system(org) as db:
        return db.get_one(Payment, (org, payment_id))


def test_the_latest_call_at_or_before_the_payment_wins_and_the_row_says_why(org):
    with as_system(org) as db:
        make.event(db, org, make.closer(db, org, "Bo"), at=NOON - timedelta(days=5))
        ana = make.closer(db, org, "Ana")
        make.event(db, org, ana, at=NOON)
        make.event(db, org, make.closer(db, org, "Cy"), at=NOON + timedelta(days=1))
        payment_id = make.payment(db, org, email=" LEAD.one@Example.com").id
    payment = attributed(org, payment_id)
    assert payment.closer_id == ana.id
    assert (
        payment.attribution_reason == "matched lead.one@example.com to the booking of 4 Nov, 13:00"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"call_status": "canceled"},
        {"call_status": "rescheduled"},
        {"deleted_at": NOON},
        {"at": NOON + timedelta(days=1)},
    ],
)
def test_calls_that_did_not_stand_get_no_payment(org, values):
    with as_system(org) as db:
        make.event(db, org, **values)
        payment_id = make.payment(db, org).id
    assert attributed(org, payment_id).event_id is None


def test_a_later_call_counts_only_where_the_organisation_says_so():
    org = make.organization(forward_attribution_days=14)
    with as_system(org) as db:
        event = make.event(db, org, at=NOON + timedelta(days=3))
        payment_id = make.payment(db, org).id
    payment = attributed(org, payment_id)
    assert (payment.event_id, payment.attribution_method) == (event.id, "later_call")


def test_further_addresses_of_the_same_contact_count(org):
    with as_system(org) as db:
        contact = find_or_make_contact(db, Person("Lead One", "lead.one@example.com"), "US")
        add_email(db, contact, "billing@example.com")
        event = make.event(db, org, contact_id=contact.id)
        payment_id = make.payment(db, org, email="billing@example.com").id
    assert attributed(org, payment_id).event_id == event.id


def test_the_order_in_which_calls_and_payments_arrive_does_not_matter():
    outcomes = set()
    for order in permutations(range(3)):
        org = make.organization()
        steps = [
            lambda db, org=org: attribute_event(
                db, make.event(db, org, make.closer(db, org, "Bo"), at=NOON - timedelta(days=2)).id
            ),
            lambda db, org=org: attribute_event(
                db, make.event(db, org, make.closer(db, org, "Ana"), at=NOON).id
            ),
            lambda db, org=org: attribute_payment(db, make.payment(db, org).id),
        ]
        for number in order:
            with as_system(org) as db:
                steps[number](db)
        with as_system(org) as db:
            outcomes.add(db.scalars(select(Payment.attribution_reason)).one())
    assert outcomes == {"matched lead.one@example.com to the booking of 4 Nov, 13:00"}


def test_a_cancelled_call_gives_its_payment_back(org):
    with as_system(org) as db:
        event = make.event(db, org)
        payment_id = make.payment(db, org).id
    assert attributed(org, payment_id).event_id == event.id
    with as_system(org) as db:
        db.get_one(Event, (org, event.id)).call_status = "canceled"
        db.flush()
        attribute_event(db, event.id)
    with as_system(org) as db:
        assert db.get_one(Payment, (org, payment_id)).event_id is None


def test_a_persons_choice_survives_every_rerun_until_it_is_cleared(org):
    manager = make.viewer(org, "manager", name="Mara")
    with as_system(org) as db:
        matched, chosen = (
            make.event(db, org),
            make.event(db, org, email="other@example.com", at=NOON - timedelta(days=9)),
        )
        payment_id = make.payment(db, org).id
    with manager.transaction() as db:
        choose_event(db, payment_id, chosen.id, manager, "paid by her partner")
    payment = attributed(org, payment_id)
    assert (payment.event_id, payment.attribution_reason) == (
        chosen.id,
        "chosen by Mara: paid by her partner",
    )
    with manager.transaction() as db:
        clear_choice(db, payment_id)
    assert attributed(org, payment_id).event_id == matched.id


def test_a_choice_needs_a_reason(org):
    manager = make.viewer(org, "manager")
    with as_system(org) as db:
        payment_id = make.payment(db, org).id
    with pytest.raises(InvalidInput), manager.transaction() as db:
        choose_event(db, payment_id, None, manager, " ")


def test_attribution_goes_on_following_the_facts_after_a_payout_was_approved(org):
    admin = make.viewer(org, "admin")
    with as_system(org) as db:
        event = make.event(db, org, make.closer(db, org, "Ana"))
        payment_id = make.payment(db, org).id
    attributed(org, payment_id)
    with admin.transaction() as db:
        approve(db, create_snapshot(db, "November", NOVEMBER, admin).id, admin)
    with as_system(org) as db:
        db.get_one(Event, (org, event.id)).call_status = "canceled"
    assert attributed(org, payment_id).event_id is None
    with admin.transaction() as db:
        choose_event(db, payment_id, event.id, admin, "a mistake")
    assert attributed(org, payment_id).event_id == event.id


@pytest.mark.parametrize("form_first", [True, False])
def test_cash_from_a_form_and_the_processors_record_of_it_count_once(org, form_first):
    with as_system(org) as db:
        from core.providers.connections import create_connection

        connection = create_connection(db, "stripe", "Test", "secret").id
        form = {"processor": "manual"}
        card = {
            "processor": "stripe",
            "connection_id": connection,
            "processor_payment_id": "pi_1",
            "at": NOON + timedelta(days=1),
        }
        for values in (form, card) if form_first else (card, form):
            attribute_payment(db, make.payment(db, org, **values).id)
        make.payment(db, org, "100.00", **(card | {"processor_payment_id": "pi_2"}))
    with as_system(org) as db:
        counted = db.execute(
            select(Payment.processor, Payment.amount).where(Payment.counts).order_by(Payment.amount)
        ).all()
    assert [tuple(row) for row in counted] == [
        ("stripe", Decimal("100.000")),
        ("stripe", Decimal("4997.000")),
    ]
