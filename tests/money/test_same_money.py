"""Money that was entered by hand and that a processor has reported counts once: matched at its
best, in any order of arrival, joined and separated by hand.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations, permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from core.money.attribution import attribute, attribute_all, choose_event
from core.money.ledger import record_payment
from core.money.models import PairVerdict, Payment
from core.money.pairs import open_entries, pairs_of, reconciliation_list
from core.money.payment_facts import PaymentFact
from core.money.payout_tables import details_table
from core.money.payouts import approve, create_snapshot, hold_back, rebuild
from core.money.reconciliation import decide_pair
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period, now
from core.platform.database import as_system
from core.platform.dataframes import records
from core.platform.errors import Conflict, InvalidInput, NotAllowed
from tests import factories as make
from tests.factories import NOON
from tests.money.world import DAY, LEAD, PARTNER, World
from tests.ports import owner


def decide(world, entered, reported, verdict, reason="as the bank says"):
    with world.mara.transaction() as db:
        decide_pair(db, entered, reported, PairVerdict(verdict), world.mara, reason)


def total(world):
    return sum(world.cash().values())


@pytest.mark.parametrize("order", list(permutations(["form", "card", "other"])))
def test_cash_of_a_form_and_the_processors_record_of_it_count_once_in_any_order(order):
    world = World()
    event = world.event()
    steps = {
        "form": lambda: world.form(event),
        "card": lambda: world.card(at=NOON + DAY),
        "other": lambda: world.card("pi_2", "100", at=NOON + DAY),
    }
    for step in order:
        steps[step]()
    with as_system(world.org) as db:
        counted = db.execute(
            select(Payment.processor, Payment.amount).where(Payment.counts).order_by(Payment.amount)
        ).all()
    assert counted == [("stripe", Decimal(100)), ("stripe", Decimal(4997))]


def test_a_form_that_is_filed_days_after_the_event_is_the_same_money_as_the_card_at_the_event():
    world = World()
    event = world.event()
    world.card(at=NOON + timedelta(hours=1))
    world.form(event, at=NOON + 4 * DAY + timedelta(hours=2))
    assert total(world) == 4997


def test_a_card_that_is_charged_near_neither_the_event_nor_the_form_is_other_money():
    world = World()
    world.form(world.event(), at=NOON + 2 * DAY)
    world.card(at=NOON + 6 * DAY)
    assert total(world) == 2 * 4997


def test_as_many_payments_as_possible_are_paired_not_the_nearest_first():
    world = World()
    first = world.event("Ana")
    second = world.event("Bo", NOON + DAY)
    world.card("pi_1", at=NOON - 2 * DAY)
    world.card("pi_2", at=NOON + timedelta(days=0.9))
    world.form(first, at=NOON)
    world.form(second, at=NOON + DAY)
    assert world.cash() == {"Ana": Decimal(4997), "Bo": Decimal(4997)}


def test_the_same_amount_of_another_customer_or_in_another_currency_is_other_money():
    world = World()
    world.form(world.event())
    world.card("pi_1", email="stranger@example.com")
    world.card("pi_2", currency="EUR")
    assert total(world) == 3 * 4997


def test_the_processors_refunds_count():
    world = World()
    world.form(world.event())
    card = world.card()
    with as_system(world.org) as db:
        lock_books(db)
        payment = db.get_one(Payment, (world.org, card))
        payment.refund_amount = Decimal(1000)
        attribute(db, payment)
    assert world.cash() == {"Ana": Decimal(3997)}


def test_a_payment_that_fails_after_all_gives_the_entrys_place_back():
    world = World()
    world.form(world.event())
    card = world.card()
    with as_system(world.org) as db:
        lock_books(db)
        payment = db.get_one(Payment, (world.org, card))
        payment.status = "failed"
        attribute(db, payment)
    with as_system(world.org) as db:
        assert db.scalars(select(Payment.processor).where(Payment.counts)).all() == ["manual"]


def test_a_corrected_amount_parts_what_was_paired_and_pairs_it_again():
    world = World()
    event = world.event()
    world.form(event)
    world.card()
    world.form(event, "5000")
    assert total(world) == 9997
    world.form(event)
    assert total(world) == 4997


def test_a_pair_that_a_payout_has_counted_outlives_a_correction_of_the_form():
    world = World()
    event = world.event()
    entry = world.form(event)
    card = world.card()
    assert world.approved(1) == [("Ana", Decimal(4997))]
    world.form(event, "4996", by=world.reps["Ana"])
    assert total(world) == 4997
    assert world.approved(8) == []
    with world.mara.transaction() as db:
        [row] = records(reconciliation_list(db))
    assert (row["payment_id"], row["other_payment_id"], row["is_same"]) == (entry, card, True)
    assert (row["amount"], row["other_amount"]) == (4996, 4997)
    decide(world, entry, card, "same", "she mistyped it")
    with world.mara.transaction() as db:
        assert reconciliation_list(db).empty


def test_a_person_separates_a_pair_that_a_payout_has_counted():
    world = World()
    entry = world.form(world.event())
    card = world.card()
    world.approved(1)
    decide(world, entry, card, "different", "two instalments")
    assert total(world) == 2 * 4997
    draft, admin = drafted(world, 8)
    with admin.transaction() as db:
        assert list(details_table(db, draft)["reason"]) == [
            "payment of 4 Nov, which Payout of 1 November counted as one with the payment of 4 Nov"
        ]
    assert world.approved(8) == [("Ana", Decimal(4997))]
    assert world.payment(entry).superseded_by_id is None


def test_a_pair_whose_form_was_counted_before_the_card_came_outlives_a_correction():
    world = World()
    event = world.event()
    world.form(event)
    assert world.approved(1) == [("Ana", Decimal(4997))]
    world.card()
    assert world.approved(8) == [("Ana", Decimal(-4997)), ("Ana", Decimal(4997))]
    world.form(event, "4996")
    assert world.approved(15) == []


def test_a_word_that_contradicts_a_counted_pair_is_refused_until_a_person_parts_it():
    world = World()
    counted, card = world.form(world.event()), world.card()
    world.approved(1)
    other = world.form(world.event("Bo", NOON + 7 * DAY), at=NOON + 7 * DAY)
    debit = world.card("pi_2", at=NOON + 9 * DAY, status="pending")
    for pair in ((other, card), (counted, debit)):
        with pytest.raises(Conflict, match=r"\$4,997.00 entered by hand on 4 Nov 2026"):
            decide(world, *pair, "same")
    assert world.payment(counted).superseded_by_id == card
    assert world.approved(8) == [("Bo", Decimal(4997))]
    decide(world, counted, card, "different")
    decide(world, other, card, "same", "Ana took cash")
    assert (world.payment(other).superseded_by_id, total(world)) == (card, 2 * 4997)


def test_a_counted_pair_that_a_person_confirmed_and_then_did_not_is_still_one():
    world = World()
    event = world.event()
    entry, card = world.form(event), world.card()
    world.approved(1)
    world.form(event, "4996")
    for word, waiting in (("same", 0), ("open", 1)):
        decide(world, entry, card, word)
        with world.mara.transaction() as db:
            assert len(reconciliation_list(db)) == waiting
        assert total(world) == 4997


def test_what_a_person_called_the_same_is_as_lasting_once_it_is_counted():
    world = World()
    entry, card = world.form(world.event(), "5000"), world.card()
    decide(world, entry, card, "same")
    world.approved(1)
    other = world.form(world.event("Bo", NOON + 7 * DAY), at=NOON + 7 * DAY)
    with pytest.raises(Conflict, match="counted one of the two"):
        decide(world, other, card, "same")


def test_a_word_on_a_form_that_is_withdrawn_does_not_part_a_counted_pair():
    world = World()
    event, second = world.event(), world.event("Bo", NOON + 7 * DAY)
    entry, card = world.form(event), world.card()
    world.approved(1)
    world.withdraw(event)
    other = world.form(second, at=NOON + 7 * DAY)
    decide(world, other, card, "same", "it was filed with the wrong booking")
    world.withdraw(second)
    assert world.form(event, "4996") == entry
    assert world.payment(entry).superseded_by_id == card
    assert world.approved(8) == []


@pytest.mark.parametrize("card_first", [True, False])
@pytest.mark.parametrize("refunded", [0, 4997])
def test_a_form_that_a_payout_has_counted_and_its_card_are_one_whatever_is_corrected(
    card_first, refunded
):
    world = World()
    event = world.event()
    entry = world.form(event)
    world.approved(1)
    steps = [
        lambda: world.card(at=NOON + 2 * DAY),
        lambda: world.form(event, "4996", by=world.reps["Ana"]),
    ]
    for step in steps if card_first else reversed(steps):
        step()
    with as_system(world.org) as db:
        card = db.scalars(select(Payment).where(Payment.processor == "stripe")).one()
        if refunded:
            make.refund(db, card, str(refunded), at=NOON + 8 * DAY)
            card.refund_amount = Decimal(refunded)
            attribute(db, card)
    assert world.payment(entry).superseded_by_id is not None
    assert total(world) == 4997 - refunded
    assert sum(net for _, net in world.approved(8)) == -refunded
    assert world.approved(15) == []
    with world.mara.transaction() as db:
        assert reconciliation_list(db)["is_same"].tolist() == [True]


def test_cash_that_is_added_to_a_filed_form_is_of_the_day_on_which_it_was_added():
    world = World(payouts_start=date(2026, 11, 1))
    event = world.event(at=datetime(2026, 10, 1, 12, tzinfo=UTC))
    world.form(event, "0", at=datetime(2026, 10, 1, 13, tzinfo=UTC))
    added = now()
    entry = world.form(event, by=world.reps["Ana"])
    assert abs(world.payment(entry).payment_date - added) < timedelta(minutes=5)
    card = world.card(at=added - DAY)
    assert world.payment(entry).superseded_by_id == card
    world.form(event, "4996")
    assert abs(world.payment(entry).payment_date - added) < timedelta(minutes=5)


def drafted(world, first_day=1):
    admin = make.viewer(world.org, "admin")
    start = NOON.date().replace(day=first_day)
    with admin.transaction() as db:
        period = Period(start, start + timedelta(days=7), "Europe/Copenhagen")
        return create_snapshot(db, "Draft", period, admin).id, admin


def test_a_card_on_another_booking_of_the_customer_is_named_before_an_approval_too():
    world = World()
    world.event("Bo", NOON - 14 * DAY)
    world.card(at=NOON - timedelta(minutes=2))
    world.form(world.event("Ana"), "4996")
    draft, admin = drafted(world)
    assert world.cash() == {"Ana": Decimal(4996), "Bo": Decimal(4997)}
    with admin.transaction() as db:
        assert open_entries(db, draft) == 1


def test_two_forms_that_say_the_same_of_one_card_are_named_and_listed():
    world = World()
    first = world.form(world.event())
    card = world.card()
    second = world.form(world.event("Bo", NOON + DAY), at=NOON + DAY)
    draft, admin = drafted(world)
    with admin.transaction() as db:
        assert open_entries(db, draft) == 1
        [row] = records(reconciliation_list(db))
    freed = second if world.payment(second).superseded_by_id is None else first
    assert (row["payment_id"], row["other_payment_id"]) == (freed, card)
    decide(world, freed, card, "different", "two instalments")
    with admin.transaction() as db:
        assert (len(reconciliation_list(db)), open_entries(db, draft)) == (0, 0)


def test_two_forms_that_share_a_card_are_named_and_listed_until_one_says_the_whole():
    world = World()
    first, second = world.event(), world.event("Bo", NOON + DAY)
    entries = {world.form(first, "2000"), world.form(second, "2997", at=NOON + DAY)}
    card = world.card()
    draft, admin = drafted(world)
    assert total(world) == 2 * 4997
    with admin.transaction() as db:
        listed = reconciliation_list(db)
        assert (set(listed["payment_id"]), set(listed["other_payment_id"])) == (entries, {card})
        assert open_entries(db, draft) == 2
    world.form(first, "4997")
    world.form(second, "0")
    assert total(world) == 4997
    with admin.transaction() as db:
        assert (len(reconciliation_list(db)), open_entries(db, draft)) == (0, 0)


def test_a_choice_for_the_entry_does_not_part_it_from_the_card_at_its_forms_booking():
    world = World()
    sold = world.event("Bo", NOON - 21 * DAY, email="office@example.com")
    event = world.event("Ana")
    world.card(at=NOON + timedelta(hours=1))
    entry = world.form(event, at=NOON + 9 * DAY)
    with world.mara.transaction() as db:
        choose_event(db, entry, sold, world.mara, "Bo sold it")
    assert world.cash() == {"Bo": Decimal(4997)}


def test_an_entry_that_counts_against_a_persons_word_is_listed_and_named():
    world = World()
    entry, card = world.form(world.event()), world.card(status="pending")
    decide(world, entry, card, "same", "it is the debit")
    with as_system(world.org) as db:
        lock_books(db)
        payment = db.get_one(Payment, (world.org, card))
        payment.status = "failed"
        attribute(db, payment)
    draft, admin = drafted(world)
    assert total(world) == 4997
    with admin.transaction() as db:
        assert reconciliation_list(db)["payment_id"].tolist() == [entry]
        assert open_entries(db, draft) == 1
    decide(world, entry, card, "different", "she paid in cash instead")
    with admin.transaction() as db:
        assert (len(reconciliation_list(db)), open_entries(db, draft)) == (0, 0)


def test_what_is_held_back_stays_so_when_its_pair_parts():
    world = World()
    event = world.event()
    world.form(event)
    world.card()
    draft, admin = drafted(world)
    with admin.transaction() as db:
        [line] = details_table(db, draft)["id"]
        hold_back(db, line, "chargeback announced", admin)
    world.form(event, "4996")
    with admin.transaction() as db:
        rebuild(db, draft, admin)
        lines = details_table(db, draft)
    assert sorted(lines["amount"]) == [4996, 4997]
    assert lines["held_back"].tolist() == ["chargeback announced"] * 2


def test_a_pair_that_was_held_back_is_matched_by_what_is_true_of_it():
    world = World()
    event = world.event()
    world.form(event)
    world.card()
    admin = make.viewer(world.org, "admin")
    start = NOON.date().replace(day=1)
    with admin.transaction() as db:
        period = Period(start, start + timedelta(days=7), "Europe/Copenhagen")
        made = create_snapshot(db, "Held back", period, admin)
        [line] = details_table(db, made.id)["id"]
        hold_back(db, line, "odd", admin)
        approve(db, made.id, admin)
    world.form(event, "5000")
    assert total(world) == 9997


def test_what_was_said_of_two_payments_holds_when_the_form_is_withdrawn_and_filed_again():
    world = World()
    event = world.event()
    entry = world.form(event)
    card = world.card()
    decide(world, entry, card, "different", "cash and card")
    world.withdraw(event)
    assert total(world) == 4997
    assert world.form(event, at=NOON + DAY) == entry
    assert total(world) == 2 * 4997


def test_before_an_approval_entries_beside_money_of_the_same_booking_are_counted():
    world = World()
    entry = world.form(world.event(), "5000")
    card = world.card()
    start = NOON.date().replace(day=1)
    admin = make.viewer(world.org, "admin")
    with admin.transaction() as db:
        period = Period(start, start + timedelta(days=7), "Europe/Copenhagen")
        draft = create_snapshot(db, "November", period, admin).id
        assert open_entries(db, draft) == 1
    decide(world, entry, card, "different", "two instalments")
    with admin.transaction() as db:
        assert open_entries(db, draft) == 0


def test_a_card_that_comes_beside_a_counted_form_with_another_amount_is_named_too():
    world = World()
    world.form(world.event(), "5000")
    world.approved(1)
    world.card()
    admin = make.viewer(world.org, "admin")
    start = NOON.date().replace(day=8)
    with admin.transaction() as db:
        period = Period(start, start + timedelta(days=7), "Europe/Copenhagen")
        draft = create_snapshot(db, "Next", period, admin).id
        assert open_entries(db, draft) == 1


def test_cash_in_another_currency_than_the_cards_is_on_the_list_to_reconcile():
    world = World()
    entry = world.form(world.event())
    card = world.card(currency="EUR")
    with world.mara.transaction() as db:
        [row] = records(reconciliation_list(db))
        assert [each.reported_id for each in pairs_of(db, entry)] == [card]
    assert (row["payment_id"], row["currency"]) == (entry, "USD")
    assert (row["other_payment_id"], row["other_currency"]) == (card, "EUR")
    decide(world, entry, card, "same")
    assert world.approved(1) == [("Ana", Decimal(4997))]
    assert world.payment(card).currency == "EUR"


def reported(world, key, **values):
    fact = PaymentFact(
        processor="stripe",
        connection_id=world.connection,
        key=key,
        amount=Decimal(4997),
        currency="USD",
        status="succeeded",
        at=NOON + timedelta(hours=1),
        email=LEAD,
        **values,
    )
    with as_system(world.org) as db:
        lock_books(db)
        return record_payment(db, fact).id


def test_a_record_that_another_of_the_processor_stands_for_is_known_by_it_and_its_words_hold():
    world = World()
    entry = world.form(world.event())
    booked, charged = reported(world, "ch_1"), reported(world, "pi_1")
    decide(world, entry, booked, "different", "cash and card")
    assert world.payment(entry).superseded_by_id == charged
    assert reported(world, "pi_1", also_known_as=("ch_1",)) == charged
    with as_system(world.org) as db:
        attribute_all(db)
    assert world.payment(booked).superseded_by_id == charged
    assert world.payment(entry).superseded_by_id is None
    assert total(world) == 2 * 4997


def test_a_person_joins_what_was_entered_with_another_amount():
    world = World()
    entry = world.form(world.event(), "5000")
    card = world.card(at=NOON + 9 * DAY)
    assert total(world) == 9997
    decide(world, entry, card, "same")
    assert total(world) == 4997
    assert world.payment(card).closer_id == world.closers["Ana"].id
    decide(world, entry, card, "open", "a mistake")
    assert total(world) == 9997


def test_a_person_separates_what_only_looks_the_same():
    world = World()
    event = world.event()
    entry = world.form(event)
    card = world.card()
    decide(world, entry, card, "different", "two instalments")
    assert total(world) == 2 * 4997
    world.form(event, notes="nothing new")
    assert total(world) == 2 * 4997
    with as_system(world.org) as db:
        assert reconciliation_list(db).empty


def test_of_two_that_are_said_to_be_the_same_money_the_latest_word_counts():
    world = World()
    entry = world.form(world.event(), "5000")
    first, second = world.card("pi_1"), world.card("pi_2")
    decide(world, entry, first, "same")
    decide(world, entry, second, "same")
    assert world.payment(entry).superseded_by_id == second
    with as_system(world.org) as db:
        lock_books(db)
        payment = db.get_one(Payment, (world.org, second))
        payment.status = "failed"
        attribute(db, payment)
    assert world.payment(entry).superseded_by_id is None


def test_a_word_on_one_payment_leaves_the_others_their_best_pairs():
    world = World()
    one = world.form(world.event("Ana"))
    other = world.form(world.event("Bo", NOON + DAY), at=NOON + DAY)
    near = world.card("pi_1", at=NOON)
    far = world.card("pi_2", at=NOON + 2 * DAY)
    assert world.payment(one).superseded_by_id == near
    decide(world, other, near, "same")
    assert world.payment(other).superseded_by_id == near
    assert world.payment(one).superseded_by_id == far


def test_the_list_to_reconcile_knows_pairs_through_the_event():
    world = World()
    event = world.event()
    entry = world.form(event, "5000")
    card = world.card(email=PARTNER)
    with world.mara.transaction() as db:
        assert reconciliation_list(db).empty
        choose_event(db, card, event, world.mara, "her partner")
        found = reconciliation_list(db)
    assert found[["payment_id", "other_payment_id"]].to_numpy().tolist() == [[entry, card]]
    assert (found["amount"].item(), found["other_amount"].item()) == (5000, 4997)
    decide(world, entry, card, "same")
    with world.mara.transaction() as db:
        assert reconciliation_list(db).empty
        assert [(row.is_same, row.amount) for row in pairs_of(db, card)] == [(True, 5000)]
        assert [(row.is_same, row.amount) for row in pairs_of(db, entry)] == [(True, 4997)]


def test_a_decision_on_two_payments_needs_a_manager_a_reason_and_one_of_each():
    world = World()
    entry, card = world.form(world.event(), "5000"), world.card()
    rep = world.reps["Ana"]
    with pytest.raises(NotAllowed), rep.transaction() as db:
        decide_pair(db, entry, card, PairVerdict.SAME, rep, "mine")
    with pytest.raises(InvalidInput):
        decide(world, entry, card, "same", " ")
    with pytest.raises(InvalidInput, match="One of the two"):
        decide(world, card, entry, "same")


def test_a_choice_for_the_entry_holds_for_the_record_that_takes_its_place():
    world = World()
    event, other = world.event("Ana"), world.event("Bo", NOON - DAY, email="other@example.com")
    entry = world.form(event)
    with world.mara.transaction() as db:
        choose_event(db, entry, other, world.mara, "Bo sold it")
    card = world.card()
    payment = world.payment(card)
    assert payment.event_id == other
    assert payment.attribution_reason == (
        "the same money as an entry that was chosen by Mara: Bo sold it"
    )
    assert world.cash() == {"Bo": Decimal(4997)}


def test_a_choice_for_the_entry_goes_with_its_form_and_comes_back_when_that_is_filed_again():
    world = World()
    event, other = world.event("Ana"), world.event("Bo", NOON - DAY, email="other@example.com")
    entry = world.form(event)
    with world.mara.transaction() as db:
        choose_event(db, entry, other, world.mara, "Bo sold it")
    world.card()
    world.withdraw(event)
    assert world.cash() == {"Ana": Decimal(4997)}
    assert world.form(event, at=NOON + DAY) == entry
    assert world.cash() == {"Bo": Decimal(4997)}


@pytest.mark.parametrize("last", ["entry", "card"])
def test_of_a_choice_for_the_entry_and_one_for_the_card_the_later_holds(last):
    world = World()
    event, other = world.event("Ana"), world.event("Bo", NOON - DAY, email="other@example.com")
    chosen = {"entry": (world.form(event), event), "card": (world.card(), other)}
    for name in sorted(chosen, key=lambda name: name == last):
        payment, booking = chosen[name]
        with world.mara.transaction() as db:
            choose_event(db, payment, booking, world.mara, "she says so")
    assert world.cash() == {"Ana" if last == "entry" else "Bo": Decimal(4997)}


costs = st.lists(st.integers(1, 50), min_size=25, max_size=25, unique=True)
links = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1)


@given(links, costs)
def test_the_best_pairs_are_as_many_as_can_be_and_then_the_nearest(possible, prices):
    cost = {(one, other): 10 + prices[5 * one + other] for one, other in possible}
    found = best_pairs(cost)
    assert len({one for one, _ in found}) == len({other for _, other in found}) == len(found)
    assert found <= possible
    assert (len(found), sum(cost[each] for each in found)) == best(cost)


def best_pairs(cost):
    pairs = sorted(cost)
    with owner() as db:
        rows = db.execute(
            text("""
                select entered_id, reported_id from app.best_pairs(
                  cast(:entered as uuid[]), cast(:reported as uuid[]), cast(:away as numeric[]))
            """),
            {
                "entered": [UUID(int=one) for one, _ in pairs],
                "reported": [UUID(int=100 + other) for _, other in pairs],
                "away": [cost[each] for each in pairs],
            },
        ).all()
    return {(row.entered_id.int, row.reported_id.int - 100) for row in rows}


def best(cost):
    """By trying every set of pairs in which nobody stands twice."""
    for size in range(min(5, len(cost)), 0, -1):
        sums = [
            sum(cost[each] for each in chosen)
            for chosen in combinations(cost, size)
            if len({one for one, _ in chosen}) == len({other for _, other in chosen}) == size
        ]
        if sums:
            return size, min(sums)
    return 0, 0


def test_all_payments_of_an_organisation_are_attributed_by_one_statement():
    world = World()
    world.event("Ana")
    with as_system(world.org) as db:
        lock_books(db)
        db.execute(
            text("""
                insert into app.payments (organization_id, amount, currency, payment_date,
                  customer_email, customer_email_normalized, processor, connection_id,
                  processor_payment_id)
                select :org, 100, 'USD', :at + n * interval '1 minute', :email, :email, 'stripe',
                  :connection, 'pi_' || n from generate_series(1, 2000) n
            """),
            {
                "org": world.org,
                "at": NOON,
                "email": "lead.one@example.com",
                "connection": world.connection,
            },
        )
        db.execute(text("select app.attribute_all()"))
    assert world.cash() == {"Ana": Decimal(200_000)}
