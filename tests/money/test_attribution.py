"""Each payment is attributed to the right event, with the reason, and stays where a person has put
it.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from core.bookings.closer_reassignment import claim_hosted
from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import CallType, Event, Package
from core.money.attribution import (
    adopt_address,
    attribute_all,
    attribute_event,
    attribute_payment,
    choose_event,
    clear_choice,
)
from core.money.contacts import change_contact
from core.money.form_filing import withdraw_form
from core.money.models import MoneySettings, Payment, PayoutSnapshotDetail
from core.money.payouts import approve, create_snapshot
from core.money.queries import PaymentFilter, count_payments, unattributed_money
from core.people.actions import Person, find_or_make_contact
from core.people.contacts import details_of, find_contact
from core.people.models import Contact, TrafficType
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.errors import InvalidInput, NotAllowed
from core.providers.connections import create_connection
from core.tenancy.access.reporting_lines import set_manager
from core.tenancy.organizations.queries import settings_of
from tests import factories as make
from tests.factories import NOON
from tests.flow import work
from tests.money.world import DAY, PARTNER, World

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
        make.address(db, contact, "billing@example.com")
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
        lock_books(db)
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
        clear_choice(db, payment_id, manager)
    assert attributed(org, payment_id).event_id == matched.id


def test_a_choice_needs_a_reason(org):
    manager = make.viewer(org, "manager")
    with as_system(org) as db:
        payment_id = make.payment(db, org).id
    with pytest.raises(InvalidInput), manager.transaction() as db:
        choose_event(db, payment_id, None, manager, " ")


def test_an_approved_payout_says_what_it_said_and_attribution_goes_on_following_the_facts(org):
    admin = make.viewer(org, "admin")
    with as_system(org) as db:
        event = make.event(db, org, make.closer(db, org, "Ana"))
        payment_id = make.payment(db, org).id
    attributed(org, payment_id)
    with admin.transaction() as db:
        approve(db, create_snapshot(db, "November", NOVEMBER, admin).id, admin)
    with as_system(org) as db:
        lock_books(db)
        db.get_one(Event, (org, event.id)).call_status = "canceled"
    assert attributed(org, payment_id).event_id is None
    with as_system(org) as db:
        assert db.scalars(select(PayoutSnapshotDetail.closer_name)).all() == ["Ana"]
    with admin.transaction() as db:
        choose_event(db, payment_id, event.id, admin, "she was there")
    assert attributed(org, payment_id).event_id == event.id


def test_a_missed_follow_up_does_not_take_the_sale_from_the_call_that_made_it():
    world = World()
    held = world.event("Ana")
    world.event("Bo", NOON + DAY, call_status="no_show")
    card = world.card(at=NOON + 2 * DAY)
    assert world.payment(card).event_id == held


def test_a_no_show_counts_when_the_customer_has_no_other_event():
    world = World()
    world.event("Bo", NOON - 3 * DAY, call_status="canceled")
    missed = world.event("Ana", call_status="no_show")
    world.event("Bo", NOON - DAY, call_status="no_show")
    assert world.payment(world.card()).event_id == missed


def test_a_payment_without_an_event_says_what_was_tried_and_what_to_do():
    world = World()
    world.event(at=NOON + 3 * DAY, email="late@example.com")
    world.event(at=NOON - 3 * DAY, email="gone@example.com", call_status="canceled")
    reasons = {
        email: world.payment(world.card(f"pi_{number}", email=email)).attribution_reason
        for number, email in enumerate(
            ["late@example.com", "gone@example.com", "nobody@example.com", None]
        )
    }
    assert reasons == {
        "late@example.com": (
            "no booking of late@example.com at or before the payment; the next one is of"
            " 7 Nov, 13:00: choose it if the money is for it"
        ),
        "gone@example.com": (
            "no booking of gone@example.com at or before the payment; the one of 1 Nov, 13:00 was"
            " cancelled or moved: choose a booking yourself"
        ),
        "nobody@example.com": (
            "no booking of nobody@example.com at or before the payment; nobody has booked with this"
            " address: choose the booking of whoever paid, and say that the address is theirs"
        ),
        None: "the payment carries no e-mail address; choose its booking yourself",
    }


def test_a_person_who_decides_nothing_else_still_needs_to_be_a_manager():
    world = World()
    event = world.event()
    card = world.card()
    with pytest.raises(NotAllowed), world.reps["Ana"].transaction() as db:
        choose_event(db, card, event, world.reps["Ana"], "mine")


def test_the_processors_record_takes_over_the_event_that_the_form_names():
    """Paid two minutes before the scheduled start, with an older event of another closer."""
    for form_first in (True, False):
        world = World()
        world.event("Bo", NOON - 14 * DAY)
        event = world.event("Ana")
        steps = [
            lambda world=world, event=event: world.form(event),
            lambda world=world: world.card(at=NOON - timedelta(minutes=2)),
        ]
        for step in steps if form_first else reversed(steps):
            step()
        assert world.cash() == {"Ana": Decimal(4997)}
        with as_system(world.org) as db:
            [card] = db.scalars(select(Payment).where(Payment.counts))
        assert card.event_id == event
        assert card.attribution_reason == (
            "the same money was entered on the form of the booking of 4 Nov, 13:00"
        )


def test_choosing_the_forms_own_event_for_the_processors_record_counts_the_money_once():
    world = World()
    event = world.event()
    world.form(event)
    card = world.card(email=PARTNER)
    assert sum(world.cash().values()) == 2 * 4997
    with world.mara.transaction() as db:
        choose_event(db, card, event, world.mara, "paid by her partner")
    assert world.cash() == {"Ana": Decimal(4997)}
    assert world.payment(card).counts
    with world.mara.transaction() as db:
        clear_choice(db, card, world.mara)
    assert sum(world.cash().values()) == 2 * 4997


def test_a_choice_fixes_the_event_and_its_people_follow():
    world = World()
    event = world.event(None, closer_name="Hana Host")
    card = world.card(email=PARTNER)
    with world.mara.transaction() as db:
        choose_event(db, card, event, world.mara, "paid by her partner")
    with as_system(world.org) as db:
        hana = make.closer(db, world.org, "Hana Host")
        claim_hosted(db, hana)
    work()
    payment = world.payment(card)
    assert (payment.event_id, payment.closer_id) == (event, hana.id)


@pytest.mark.parametrize("is_booked", [True, False])
def test_later_instalments_follow_a_choice_on_the_first(is_booked):
    world = World()
    chosen = world.event("Ana", email="other@example.com")
    world.event("Bo", NOON)
    first, second, third = (
        world.card(f"pi_{number}", at=NOON + timedelta(days=30 * number), membership_key="sub_1")
        for number in range(3)
    )
    with world.mara.transaction() as db:
        choose_event(db, first, chosen if is_booked else None, world.mara, "it is a gift")
    fourth = world.card("pi_4", at=NOON + timedelta(days=120), membership_key="sub_1")
    wanted = chosen if is_booked else None
    assert [world.payment(each).event_id for each in (first, second, third, fourth)] == [wanted] * 4
    assert world.payment(fourth).attribution_reason.startswith(
        "follows the first payment, of 4 Nov"
    )
    with as_system(world.org) as db:
        assert unattributed_money(db).count == 0
    with world.mara.transaction() as db:
        clear_choice(db, first, world.mara)
    assert {world.closer_of(each) for each in (first, second, third, fourth)} == {"Bo"}


def test_later_instalments_follow_the_latest_choice_before_them():
    world = World()
    world.event("Ana")
    chosen = world.event("Bo", NOON + 25 * DAY, email="other@example.com")
    first, second, fourth = (
        world.card(f"pi_{number}", at=NOON + timedelta(days=30 * number), membership_key="sub_1")
        for number in (0, 1, 3)
    )
    with world.mara.transaction() as db:
        choose_event(db, second, chosen, world.mara, "Bo sold it anew")
    third = world.card("pi_2", at=NOON + timedelta(days=60), membership_key="sub_1")
    closers = [world.closer_of(each) for each in (first, second, third, fourth)]
    assert closers == ["Ana", "Bo", "Bo", "Bo"]
    assert world.payment(third).attribution_reason == "follows the payment of 4 Dec, 13:00"
    with world.mara.transaction() as db:
        clear_choice(db, second, world.mara)
    assert {world.closer_of(each) for each in (first, second, third, fourth)} == {"Ana"}


def test_instalments_over_a_replaced_connection_follow_too():
    world = World()
    world.event("Ana")
    world.card("pi_1", membership_key="sub_1")
    world.event("Bo", NOON + 20 * DAY)
    with as_system(world.org) as db:
        renewed = create_connection(db, "stripe", "New", "secret").id
    card = world.card("pi_2", at=NOON + 30 * DAY, membership_key="sub_1", connection_id=renewed)
    assert world.closer_of(card) == "Ana"


def test_a_correction_of_the_form_leaves_a_managers_choice_alone():
    world = World()
    event, other = world.event("Ana"), world.event("Bo", NOON - DAY, email="other@example.com")
    cash = world.form(event, by=world.reps["Ana"])
    with world.mara.transaction() as db:
        choose_event(db, cash, other, world.mara, "Bo sold it")
    world.form(event, "5000", by=world.reps["Ana"])
    payment = world.payment(cash)
    assert (payment.event_id, payment.amount) == (other, Decimal(5000))
    assert world.cash() == {"Bo": Decimal(5000)}
    assert payment.attribution_reason == "chosen by Mara: Bo sold it"


def test_a_rep_withdraws_a_form_whose_cash_a_manager_gave_to_somebody_else():
    world = World()
    event, other = world.event("Ana"), world.event("Bo", NOON - DAY, email="other@example.com")
    cash = world.form(event, by=world.reps["Ana"])
    with world.mara.transaction() as db:
        choose_event(db, cash, other, world.mara, "Bo sold it")
    with world.reps["Ana"].transaction() as db:
        withdraw_form(db, event, world.reps["Ana"])
    assert world.cash() == {}
    world.form(event, by=world.reps["Ana"])
    assert world.cash() == {"Bo": Decimal(4997)}


def test_a_correction_of_a_form_that_was_paid_out_moves_nothing_in_the_payout():
    world = World()
    admin = make.viewer(world.org, "admin")
    event = world.event("Ana")
    world.form(event)
    with admin.transaction() as db:
        approve(db, create_snapshot(db, "November", NOVEMBER, admin).id, admin)
    with as_system(world.org) as db:
        lock_books(db)
        db.get_one(Event, (world.org, event)).closer_id = world.closers["Bo"].id
    world.form(event, "5000")
    assert world.cash() == {"Bo": Decimal(5000)}
    with as_system(world.org) as db:
        paid = db.execute(select(PayoutSnapshotDetail.closer_name, PayoutSnapshotDetail.amount))
        assert paid.all() == [("Ana", Decimal(4997))]


def team_only():
    """Mara leads Ana only; Bo is somebody else's."""
    world = World(managers_see_their_team_only=True)
    with as_system(world.org) as db:
        set_manager(db, world.reps["Ana"].user_id, world.mara.user_id)
    return world


def test_a_manager_who_sees_their_team_only_gets_the_systems_answer():
    world = team_only()
    chosen = world.event("Ana", NOON - 5 * DAY)
    world.event("Bo")
    card = world.card()
    assert world.closer_of(card) == "Bo"
    boss = make.viewer(world.org, "admin")
    with boss.transaction() as db:
        choose_event(db, card, chosen, boss, "Ana sold it")
    with world.mara.transaction() as db:
        clear_choice(db, card, world.mara)
    assert world.closer_of(card) == "Bo"


def test_a_manager_who_sees_their_team_only_doubles_no_cash_whose_card_is_another_teams():
    world = team_only()
    event = world.event("Ana", NOON - 5 * DAY)
    entry = world.form(event, at=NOON - 5 * DAY)
    boss = make.viewer(world.org, "admin")
    world.event("Bo", NOON - 4 * DAY)
    card = world.card(at=NOON - 4 * DAY)
    with boss.transaction() as db:
        choose_event(
            db, card, db.scalars(select(Event.id).where(Event.id != event)).one(), boss, "Bo"
        )
    assert world.cash() == {"Bo": Decimal(4997)}
    with world.mara.transaction() as db:
        choose_event(db, entry, event, world.mara, "hers")
        clear_choice(db, entry, world.mara)
    assert world.cash() == {"Bo": Decimal(4997)}


def test_a_manager_who_sees_their_team_only_can_say_that_it_belongs_to_no_booking():
    world = team_only()
    world.event("Ana")
    card = world.card()
    with world.mara.transaction() as db:
        choose_event(db, card, None, world.mara, "a gift card")
    payment = world.payment(card)
    assert (payment.event_id, payment.closer_id, payment.attribution_method) == (
        None,
        None,
        "manual",
    )


@pytest.mark.parametrize("who", ["mara", "lead"])
def test_an_address_that_is_also_theirs_brings_all_its_payments(who):
    world = team_only() if who == "lead" else World()
    event = world.event("Ana")
    first = world.card("pi_1", email=PARTNER)
    second = world.card("pi_2", email=PARTNER, at=NOON + 9 * DAY)
    boss = make.viewer(world.org, "admin")
    with boss.transaction() as db:
        choose_event(db, first, event, boss, "her partner")
    with world.mara.transaction() as db:
        adopt_address(db, first, event, world.mara)
    assert [world.payment(each).event_id for each in (first, second)] == [event, event]
    with boss.transaction() as db:
        clear_choice(db, first, boss)
    assert world.payment(first).attribution_reason == (
        "matched partner@example.com to the booking of 4 Nov, 13:00"
    )
    third = world.card("pi_3", email=PARTNER, at=NOON + 20 * DAY)
    assert world.payment(third).event_id == event


def test_an_address_passes_from_one_contact_to_another_with_what_was_paid_under_it():
    world = World()
    hers, his = world.event("Ana"), world.event("Bo", email=PARTNER)
    card = world.card(email=PARTNER, at=NOON + DAY)
    assert world.payment(card).event_id == his
    later = world.event("Ana", NOON + 2 * DAY)
    other = world.card("pi_2", "100", email=PARTNER, at=NOON + 3 * DAY)
    with world.mara.transaction() as db:
        adopt_address(db, card, hers, world.mara)
    assert world.payment(other).event_id == later


@pytest.mark.parametrize(
    ("others", "first"), [((), None), (("far@example.com",), "far@example.com")]
)
def test_an_address_that_passes_to_another_contact_is_nowhere_the_former_owners(others, first):
    world = World()
    hers, his = world.event("Ana"), world.event("Bo", email=PARTNER, at=NOON + 20 * DAY)
    card = world.card(email=PARTNER)
    with as_system(world.org) as db:
        her, him = (db.get_one(Event, (world.org, each)).contact_id for each in (hers, his))
    with world.mara.transaction() as db:
        before = details_of(db, db.get_one(Contact, (world.org, him)))
        emails = (*before.emails, *others)
        change_contact(db, him, before, replace(before, emails=emails), world.mara)
    with world.mara.transaction() as db:
        adopt_address(db, card, hers, world.mara)
    with world.mara.transaction() as db:
        contact = db.get_one(Contact, (world.org, him))
        assert (contact.email, contact.email_normalized) == (first, first)
        before = details_of(db, contact)
        assert before.emails == others
        assert find_contact(db, PARTNER).id == her
        paid = [count_payments(db, PaymentFilter(contact_id=each)) for each in (her, him)]
        assert paid == [1, 0]
        change_contact(db, him, before, replace(before, phones=("+4520202020",)), world.mara)


def test_a_reps_link_to_an_address_is_refused():
    world = World()
    event = world.event("Ana")
    card = world.card()
    with pytest.raises(NotAllowed), world.reps["Ana"].transaction() as db:
        adopt_address(db, card, event, world.reps["Ana"])
    with (
        pytest.raises(DBAPIError, match="only managers"),
        world.reps["Ana"].transaction() as db,
    ):
        db.execute(select(func.app.adopt_address(card, event)))


def test_every_list_that_an_event_names_stands_on_its_payment():
    world = World()
    with as_system(world.org) as db:
        listed = {
            "source_id": make.source(db, world.org).id,
            "setter_id": make.setter(db, world.org).id,
        }
        for name, model in (("traffic_type_id", TrafficType), ("call_type_id", CallType)):
            row = model(organization_id=world.org, name="Any")
            db.add(row)
            db.flush()
            listed[name] = row.id
    world.event("Ana", **listed)
    payment = world.payment(world.card())
    found = {column: getattr(payment, column) for column in LISTED_COLUMNS}
    assert found == listed | {"closer_id": world.closers["Ana"].id}


def test_what_settings_change_reaches_every_payment():
    world = World()
    event = world.event("Ana", NOON + 3 * DAY)
    card = world.card()
    with as_system(world.org) as db:
        settings_of(db, MoneySettings).forward_attribution_days = 14
        db.flush()
        attribute_all(db)
    assert world.payment(card).event_id == event


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("lead.one@example.com", "\u200blead.one@example.com"),
        ("lead.one@example.com", "lead.one@exa\u00admple.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "Ana@Bücher.example"),
    ],
)
def test_a_customer_is_the_same_however_the_address_is_written(org, typed, sent):
    with as_system(org) as db:
        ana = make.closer(db, org, "Ana")
        make.event(db, org, ana, email=typed)
        payment_id = make.payment(db, org, email=sent).id
    assert attributed(org, payment_id).closer_id == ana.id


def test_a_choice_follows_its_booking_when_that_is_moved():
    world = World()
    first = world.event("Ana")
    card = world.card(email=PARTNER)
    with world.mara.transaction() as db:
        choose_event(db, card, first, world.mara, "the deposit for it")
    assert world.closer_of(card) == "Ana"
    second = world.event("Bo", NOON + DAY)
    world.move(first, second)
    assert world.closer_of(card) == "Bo"
    assert world.payment(card).attribution_reason == (
        "chosen by Mara: the deposit for it; that booking was moved to 5 Nov, 13:00"
    )
    third = world.event("Ana", NOON + 2 * DAY)
    world.move(second, third)
    assert world.payment(card).event_id == third
    with as_system(world.org) as db:
        lock_books(db)
        db.get_one(Event, (world.org, third)).deleted_at = NOON
        db.flush()
        attribute_event(db, third)
    assert world.payment(card).event_id == second


def test_a_card_and_an_entry_that_a_person_put_on_one_booking_stay_alike_when_it_is_moved():
    world = World()
    first, second = world.event("Ana"), world.event("Bo", NOON + DAY)
    entry = world.form(world.event("Bo", NOON - DAY, email="other@example.com"))
    card = world.card(email=PARTNER)
    for payment in (entry, card):
        with world.mara.transaction() as db:
            choose_event(db, payment, first, world.mara, "for it")
        world.move(first, second)
    assert world.payment(entry).superseded_by_id == card
    assert world.cash() == {"Bo": Decimal(4997)}


@pytest.mark.parametrize("named", [None, "Gold"])
def test_the_card_that_takes_a_forms_place_is_of_the_package_and_type_that_the_form_names(named):
    world = World()
    with as_system(world.org) as db:
        core, gold = (Package(organization_id=world.org, name=name) for name in ("Core", "Gold"))
        db.add_all([core, gold])
        db.flush()
        packages = {None: core.id, "Gold": gold.id}
    event = world.event()
    card = world.card(named_package_id=packages[named] if named else None)
    world.form(event, package_id=packages[None])
    assert world.payment(card).package_id == packages[named]
    assert world.payment(card).payment_type == "pif"
    world.form(event, "5000", package_id=packages[None])
    assert world.payment(card).package_id == (packages[named] if named else None)
    assert world.payment(card).payment_type is None


def test_money_stays_with_a_meeting_that_has_passed_until_it_is_reported_as_missed():
    """Its booking was moved after its time, to a meeting with Bo."""
    world = World()
    first, second = world.event("Ana"), world.event("Bo", NOON + DAY)
    card = world.card(email="other@example.com")
    with world.mara.transaction() as db:
        choose_event(db, card, first, world.mara, "she says so")
    for status, closer in (("scheduled", "Ana"), ("no_show", "Bo")):
        with as_system(world.org) as db:
            lock_books(db)
            event = db.get_one(Event, (world.org, first))
            event.call_status, event.rescheduled_to_id = status, second
            db.flush()
            attribute_event(db, first)
        assert world.closer_of(card) == closer


def test_the_cash_of_a_form_that_is_filed_again_keeps_its_day():
    world = World()
    event = world.event()
    entry = world.form(event, at=NOON + timedelta(hours=1))
    assert world.approved(1) == [("Ana", Decimal(4997))]
    world.withdraw(event)
    assert world.cash() == {}
    assert world.form(event, at=NOON + 12 * DAY) == entry
    assert world.payment(entry).payment_date == NOON + timedelta(hours=1)
    assert world.approved(8, days=12) == []


@pytest.mark.parametrize("form_first", [True, False])
def test_a_card_before_the_scheduled_start_is_of_the_only_event_once_its_form_names_it(form_first):
    world = World()
    event = world.event("Ana")
    if form_first:
        world.form(event)
    card = world.card(at=NOON - timedelta(minutes=2))
    if not form_first:
        assert world.closer_of(card) is None
        world.form(event)
    assert (world.closer_of(card), world.cash()) == ("Ana", {"Ana": Decimal(4997)})
