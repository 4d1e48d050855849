"""What a search finds: what carries the words, and never what carries nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.bookings.queries import EventFilter, count_events
from core.money.queries import PaymentFilter, count_payments, payment_sums
from core.money.suggestions import Ground, suggestions
from core.operations.find import KINDS, find
from core.people.models import Contact
from core.platform.database import as_system
from core.platform.notation import written_in
from tests import factories as make
from tests.factories import NOON
from tests.money.world import LEAD, World

CORE = Path(__file__).parents[2] / "core"


@pytest.fixture
def world(database_url):
    made = World()
    with as_system(made.org) as db:
        make.event(db, made.org, lead_name="Nomail", lead_email=None, lead_email_normalized=None)
        db.add(Contact(organization_id=made.org, name="Phone Only", phone="+4512345678"))
    made.card("pi_a", cash="10")
    made.card("pi_b", cash="999", email=None, customer_name="Somebody")
    return made


@pytest.mark.parametrize("words", ["qqqq", "pi_404", "lena@exam"])
def test_who_has_no_address_is_not_found_by_words_that_are_none(world, words):
    with world.mara.transaction() as db:
        assert count_payments(db, PaymentFilter(search=words)) == 0
        assert count_events(db, EventFilter(search=words)) == 0
        assert [found for kind in KINDS for found in find(db, kind, words)] == []


def test_an_amount_that_is_searched_is_the_sum_that_is_shown(world):
    with world.mara.transaction() as db:
        [sums] = payment_sums(db, PaymentFilter(search="10")).values()
    assert sums[:2] == (1, Decimal(10))


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en_US", "4,997.50"),
        ("en_US", "$4,997.50"),
        ("en_US", "4997.5"),
        ("da_DK", "4.997,50"),
        ("da_DK", "4997,50 kr."),
        ("da_DK", "4997.50"),
    ],
)
def test_an_amount_is_found_as_it_is_shown_and_as_programs_write_it(world, locale, words):
    made = world.card("pi_c", cash="4997.50")
    with world.mara.transaction() as db, written_in(locale):
        [payments] = [kind for kind in KINDS if kind.label == "Payments"]
        assert [found.id for found in find(db, payments, words)] == [made]
        assert count_payments(db, PaymentFilter(search=words)) == 1


def test_a_booking_without_an_address_is_not_the_payers_because_the_payment_has_none_either(world):
    near = world.event("Ana", email=LEAD, lead_name="Lisa Pay")
    with as_system(world.org) as db:
        make.event(
            db,
            world.org,
            at=NOON - timedelta(days=200),
            lead_name="Somebody Else",
            lead_email=None,
            lead_email_normalized=None,
        )
    paid = world.card("pi_c", email=None, customer_name="Lisa Pay")
    with world.mara.transaction() as db:
        found = suggestions(db, paid)
    assert (found[0].id, found[0].ground) == (near, Ground.SAME_NAME)
    assert {each.lead_name: each.ground for each in found}["Somebody Else"] == Ground.NEAR


def test_the_nearest_bookings_of_the_payer_come_first_then_the_nearest_of_all(world):
    def booked(days, email, **values):
        return world.event("Ana", NOON + timedelta(days=days), email=email, **values)

    mine = [booked(days, LEAD) for days in (-400, -3, 2)]
    closed = booked(-90, LEAD, event_outcome="closed")
    others = [booked(days, f"lead{days}@example.com") for days in (-500, -30, -1, 5, 300)]
    booked(0, LEAD, call_status="canceled")
    card = world.card("pi_c", email=LEAD)
    with world.mara.transaction() as db:
        found = [each.id for each in suggestions(db, card, limit=20)]
    far, before, after = mine
    by_time = [others[2], others[3], others[1], others[4], others[0]]
    assert [each for each in found if each in {*mine, closed, *others}] == [
        *(after, before, closed, far),
        *by_time,
    ]


def test_a_payer_who_never_booked_is_offered_the_nearest_bookings_however_far(world):
    wanted = world.event("Ana", NOON - timedelta(days=200), email="far@example.com")
    card = world.card("pi_c", email="payer@example.com")
    with world.mara.transaction() as db:
        assert wanted in [each.id for each in suggestions(db, card)]


def test_a_merged_or_erased_contact_is_not_found_any_more(world):
    with as_system(world.org) as db:
        survivor = Contact(organization_id=world.org, name="Lena Vogt")
        db.add(survivor)
        db.flush()
        db.add(Contact(organization_id=world.org, name="Lena Vogt", merged_into_id=survivor.id))
        db.add(Contact(organization_id=world.org, name="Lena Vogt", erased_at=NOON))
        db.flush()
        wanted = survivor.id
    [contacts] = [kind for kind in KINDS if kind.label == "Contacts"]
    with world.mara.transaction() as db:
        assert [found.id for found in find(db, contacts, "vogt")] == [wanted]


def test_no_statement_compares_with_an_address_that_may_be_none():
    """In SQL a comparison with Python's None is "is null", and finds whoever has no address."""
    found = [
        f"{path.relative_to(CORE)}:{number}"
        for path in CORE.rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "== normalize_email(" in line
    ]
    assert found == []
