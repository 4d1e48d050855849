"""Whatever changes after a payout was approved is adjusted in the next one, with its date, its
sentence and the line that it corrects; nothing is paid twice, lost, or left with the wrong person.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from core.metrics.table import metrics_table
from core.money.ledger import record_payment
from core.money.models import MoneySettings, PaymentStatus, PayoutSnapshot
from core.money.payment_facts import PaymentFact
from core.money.payout_bridge import before_payouts_start, bridge
from core.money.payout_lines import changes_since, payout_bounds
from core.money.payout_tables import details_table, payments_without_closer, summaries_table
from core.money.payouts import (
    StaleDraft,
    approve,
    create_snapshot,
    discard,
    get_snapshot,
    hold_back,
    rebuild,
    refusal,
    release,
)
from core.money.settings import MONEY
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.dataframes import records
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.providers.connections import create_connection
from core.tenancy.organizations.models import Organization
from core.tenancy.organizations.settings import change_settings
from tests import factories as make
from tests.money.desk import DECEMBER, NOVEMBER, OCTOBER, SEPTEMBER, ZONE, at
from tests.statements import statements


def test_a_refund_after_approval_is_deducted_in_the_next_payout_and_says_so(desk):
    paid = desk.pay()
    october = desk.approved(OCTOBER)
    desk.refund(paid, "4997.00", at(11, 5))
    november = desk.approved(NOVEMBER)

    assert desk.net(october) == {"USD": Decimal(4997)}
    assert desk.lines(november) == [("refund", "Ana", Decimal(-4997))]
    assert desk.sentences(november) == [
        "refund of 5 Nov on a payment of 30 Oct, counted in October 2026: −$4,997.00"
    ]
    assert desk.lines(desk.approved(DECEMBER)) == []


def test_a_lost_dispute_is_deducted_and_given_back_when_it_is_won(desk):
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.refund(paid, "4997.00", at(11, 5), kind="dispute")
    november = desk.approved(NOVEMBER)
    with as_system(desk.org) as db:
        lock_books(db)
        db.execute(text("update app.refunds set status = 'canceled'"))

    assert desk.sentences(november) == [
        "dispute of a payment of 30 Oct, counted in October 2026, lost on 5 Nov: −$4,997.00"
    ]
    assert desk.lines(desk.approved(DECEMBER)) == [("refund_changed", "Ana", Decimal(4997))]


def test_a_payment_that_settles_after_approval_is_in_the_next_payout(desk):
    desk.pay("100.00")
    debit = desk.pay(status="pending")
    desk.approved(OCTOBER)
    desk.change(debit, status="succeeded")
    november = desk.approved(NOVEMBER)

    assert desk.lines(november) == [("late", "Ana", Decimal(4997))]
    assert desk.sentences(november) == [
        "payment of 30 Oct, which did not count when October 2026 was approved"
    ]


def test_a_draft_that_counts_the_form_is_not_approved_once_the_processor_reports_the_money(desk):
    form = desk.pay(at=at(10, 31))
    draft = desk.draft(OCTOBER)
    card = desk.pay(at=at(11, 1, 9), processor="stripe")
    desk.change(form, superseded_by_id=card.id)

    with pytest.raises(StaleDraft, match="1 line differs") as refusal:
        desk.approve(draft)
    [difference] = refusal.value.differences.to_dict("records")
    assert (difference["what"], difference["net_then"]) == ("gone", Decimal(4997))
    with desk.admin.transaction() as db:
        rebuild(db, draft, desk.admin)
        approve(db, draft, desk.admin)
    november = desk.approved(NOVEMBER)
    assert (desk.net(draft), desk.net(november)) == ({}, {"USD": Decimal(4997)})


def test_money_that_a_payout_counted_on_a_form_is_not_counted_again_by_the_processors_record(desk):
    form = desk.pay(at=at(10, 31))
    desk.approved(OCTOBER)
    card = desk.pay(at=at(11, 1, 9), processor="stripe")
    desk.change(form, superseded_by_id=card.id)
    november = desk.approved(NOVEMBER)

    assert sorted(desk.lines(november)) == [
        ("superseded", "Ana", Decimal(-4997)),
        ("superseded", "Ana", Decimal(4997)),
    ]
    assert desk.net(november) == {"USD": Decimal(0)}


def test_a_draft_whose_form_was_taken_back_is_not_approved(desk):
    form = desk.pay()
    draft = desk.draft(OCTOBER)
    desk.change(form, deleted_at=at(11, 1))

    with pytest.raises(StaleDraft):
        desk.approve(draft)


def test_of_two_overlapping_drafts_approved_at_once_one_is(desk):
    desk.pay()
    half = Period(date(2026, 10, 15), date(2026, 11, 15), ZONE)
    drafts = [desk.draft(OCTOBER), desk.draft(half)]
    start = threading.Barrier(2)

    def approve_one(snapshot: UUID) -> str:
        with desk.admin.transaction() as db:
            get_snapshot(db, snapshot)
            start.wait()
            try:
                approve(db, snapshot, desk.admin)
            except Conflict:
                return "refused"
            return "approved"

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(approve_one, drafts)) == ["approved", "refused"]


def test_the_database_itself_approves_one_of_two_that_overlap(desk):
    """Without the product's own lock and checks: two bare statements, each before the other's
    commit.
    """
    half = Period(date(2026, 10, 15), date(2026, 11, 15), ZONE)
    drafts = [desk.draft(OCTOBER), desk.draft(half)]
    start = threading.Barrier(2)

    def approve_one(snapshot: UUID) -> str:
        statement = update(PayoutSnapshot).where(PayoutSnapshot.id == snapshot)
        try:
            with as_system(desk.org) as db:
                start.wait()
                db.execute(statement.values(state="approved"))
        except DBAPIError:
            return "refused"
        return "approved"

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(approve_one, drafts)) == ["approved", "refused"]


def test_an_approval_begins_after_the_end_of_every_approved_payout(desk):
    with as_system(desk.org) as db:
        change_settings(db, MONEY, {"payouts_start": OCTOBER.start})
    october, november = desk.draft(OCTOBER), desk.draft(NOVEMBER)
    desk.approve(november)

    with pytest.raises(Conflict, match="has to begin after"):
        desk.approve(october)


def test_a_refund_of_either_record_of_the_same_money_counts(desk):
    form = desk.pay(at=at(10, 31))
    desk.approved(OCTOBER)
    card = desk.pay(at=at(10, 31, 13), processor="stripe", superseded_by_id=form.id)
    desk.refund(card, "997.00", at(11, 5))

    assert desk.lines(desk.approved(NOVEMBER)) == [("refund", "Ana", Decimal(-997))]


def test_a_payment_approved_without_a_closer_is_credited_when_its_closer_is_known(desk):
    paid = desk.pay(closer_id=None)
    draft = desk.draft(OCTOBER)
    with desk.admin.transaction() as db:
        assert payments_without_closer(db, draft) == 1
    desk.approve(draft)
    desk.change(paid, closer_id=desk.ana.id, attributed_at=at(11, 3))
    november = desk.approved(NOVEMBER)
    with desk.admin.transaction() as db:
        assert payments_without_closer(db, november) == 0

    assert sorted(desk.lines(november), key=str) == [
        ("credited", "Ana", Decimal(4997)),
        ("credited", None, Decimal(-4997)),
    ]
    assert set(desk.sentences(november)) == {
        "payment of 30 Oct, counted in October 2026: closer changed from nobody to Ana: −$4,997.00",
        "payment of 30 Oct, counted in October 2026: closer changed from nobody to Ana: $4,997.00",
    }
    with desk.admin.transaction() as db:
        sums = records(summaries_table(db, november))
    by_closer = [row for row in sums if row["dimension"] == "closer"]
    assert {row["label"]: row["net_revenue"] for row in by_closer} == {
        "Ana": Decimal(4997),
        None: Decimal(-4997),
    }


def test_a_payment_that_loses_its_closer_is_named_as_nobodys_before_an_approval(desk):
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.change(paid, closer_id=None, attributed_at=at(11, 3))
    draft = desk.draft(NOVEMBER)
    with desk.admin.transaction() as db:
        assert payments_without_closer(db, draft) == 1


def test_a_correction_that_moves_paid_money_to_other_people_is_two_lines(desk):
    paid = desk.pay()
    october = desk.approved(OCTOBER)
    desk.change(paid, closer_id=desk.bo.id)

    assert sorted(desk.lines(desk.approved(NOVEMBER))) == [
        ("credited", "Ana", Decimal(-4997)),
        ("credited", "Bo", Decimal(4997)),
    ]
    assert desk.lines(october) == [("payment", "Ana", Decimal(4997))]


def test_a_corrected_amount_and_a_corrected_currency_are_adjusted(desk):
    less, other = desk.pay("100.00"), desk.pay("10.00")
    desk.approved(OCTOBER)
    desk.change(less, amount=Decimal(60))
    desk.change(other, currency="EUR")
    november = desk.approved(NOVEMBER)

    assert sorted(desk.lines(november)) == [
        ("amount", "Ana", Decimal(-40)),
        ("amount", "Ana", Decimal(-10)),
        ("amount", "Ana", Decimal(10)),
    ]
    assert desk.net(november) == {"USD": Decimal(-50), "EUR": Decimal(10)}


def test_a_counted_payment_that_moves_to_another_day_blocks_nothing_and_is_not_paid_again(desk):
    paid = desk.pay(at=at(10, 31))
    desk.approved(OCTOBER)
    desk.change(paid, payment_date=at(11, 1, 9))
    desk.pay("5.00", at=at(11, 3))

    assert desk.lines(desk.approved(NOVEMBER)) == [("payment", "Ana", Decimal(5))]


@pytest.mark.parametrize(
    ("before", "after"), [("America/New_York", ZONE), (ZONE, "America/New_York")]
)
def test_a_change_of_zone_neither_doubles_nor_loses_a_payment(desk, before, after):
    def zoned(period: Period, zone: str) -> Period:
        return Period(period.start, period.end, zone)

    desk.pay("7.00", at=datetime(2026, 11, 1, 1, tzinfo=UTC))  # 31 Oct, 21:00 in New York
    desk.approved(zoned(OCTOBER, before))
    with as_system(desk.org) as db:
        db.execute(update(Organization).values(timezone=after))
    desk.approved(zoned(NOVEMBER, after))

    with desk.admin.transaction() as db:
        counted = db.execute(text("select sum(net_revenue) from app.payout_snapshot_details"))
        assert counted.scalar() == 7


def test_a_line_is_held_back_with_its_reason_and_comes_again(desk):
    odd, _ = desk.pay("4997.00"), desk.pay("3.00", email="lead.two@example.com")
    draft = desk.draft(OCTOBER)
    with desk.admin.transaction() as db:
        lines = details_table(db, draft)
        line = lines.loc[lines["payment_id"] == odd.id, "id"].item()
        with pytest.raises(InvalidInput):
            hold_back(db, line, "  ", desk.admin)
        hold_back(db, line, "The customer is on the phone", desk.admin)
        rebuild(db, draft, desk.admin)
        approve(db, draft, desk.admin)
    assert desk.net(draft) == {"USD": Decimal(3)}

    assert desk.lines(desk.approved(NOVEMBER)) == [("late", "Ana", Decimal(4997))]


def test_what_was_held_back_can_be_taken_in_again_while_it_is_a_draft(desk):
    desk.pay()
    draft = desk.draft(OCTOBER)
    with desk.admin.transaction() as db:
        [line] = details_table(db, draft)["id"]
        hold_back(db, line, "odd", desk.admin)
        assert get_snapshot(db, draft).payment_count == 0
        release(db, line, desk.admin)
        approve(db, draft, desk.admin)
        with pytest.raises(Conflict):
            hold_back(db, line, "too late", desk.admin)
    assert desk.net(draft) == {"USD": Decimal(4997)}


def test_both_records_of_the_same_money_are_held_back_together(desk):
    form = desk.pay(at=at(10, 31))
    desk.approved(OCTOBER)
    card = desk.pay(at=at(11, 1, 9), processor="stripe")
    desk.change(form, superseded_by_id=card.id)
    november = desk.draft(NOVEMBER)
    with desk.admin.transaction() as db:
        hold_back(db, details_table(db, november)["id"][0], "odd", desk.admin)
        assert details_table(db, november)["held_back"].tolist() == ["odd", "odd"]


@pytest.mark.parametrize("is_counted", [False, True])
def test_money_that_is_held_back_stays_so_when_another_record_of_it_counts(desk, is_counted):
    form = desk.pay(at=at(10, 31))
    if is_counted:
        desk.approved(OCTOBER)
        draft, held = desk.draft(NOVEMBER), desk.pay(at=at(11, 1, 9), processor="stripe")
        with desk.admin.transaction() as db:
            rebuild(db, draft, desk.admin)
    else:
        draft, held = desk.draft(OCTOBER), form
    with desk.admin.transaction() as db:
        lines = details_table(db, draft)
        line = lines.loc[lines["payment_id"] == held.id, "id"].item()
        hold_back(db, line, "she says that she never paid", desk.admin)
    card = held if is_counted else desk.pay(at=at(10, 31, 9), processor="stripe")
    desk.change(form, superseded_by_id=card.id)
    with desk.admin.transaction() as db:
        rebuild(db, draft, desk.admin)
        approve(db, draft, desk.admin)
    assert desk.net(draft) == {}


@pytest.mark.parametrize("role", ["manager", "sales_rep", "viewer"])
def test_only_an_admin_holds_back_and_rebuilds(desk, role):
    desk.pay()
    draft, other = desk.draft(OCTOBER), make.viewer(desk.org, role)
    with desk.admin.transaction() as db:
        [line] = details_table(db, draft)["id"]
    for decide in (
        lambda db: hold_back(db, line, "odd", other),
        lambda db: rebuild(db, draft, other),
    ):
        with pytest.raises((NotAllowed, NotFound)), other.transaction() as db:
            decide(db)


def test_payments_before_payouts_start_are_listed_and_not_counted_nor_are_their_refunds(desk):
    old = desk.pay("70.00", at=at(9, 3))
    desk.pay("5.00")
    october = desk.draft(OCTOBER)
    with desk.admin.transaction() as db:
        count, latest = before_payouts_start(db, get_snapshot(db, october), payout_bounds(db))
    assert (count, list(latest["payment_id"])) == (1, [old.id])
    desk.approve(october)
    desk.refund(old, "70.00", at(11, 5))

    assert desk.net(october) == {"USD": Decimal(5)}
    assert desk.lines(desk.approved(NOVEMBER)) == []


def test_a_card_from_before_the_start_that_stands_for_counted_cash_goes_when_they_are_separated(
    desk,
):
    form = desk.pay(at=at(10, 1, 9))
    desk.approved(OCTOBER)
    card = desk.pay(at=at(9, 30, 21), processor="stripe")
    desk.change(form, superseded_by_id=card.id)
    assert desk.net(desk.approved(NOVEMBER)) == {"USD": Decimal(0)}

    desk.change(form, superseded_by_id=None)
    december = desk.approved(DECEMBER)
    assert sorted(desk.lines(december)) == [
        ("restored", "Ana", Decimal(4997)),
        ("superseded", "Ana", Decimal(-4997)),
    ]


@pytest.mark.parametrize(("form_day", "card_day", "paid"), [(1, 30, 0), (30, 1, 4997)])
def test_a_pair_across_the_start_of_payouts_is_dated_by_the_processors_record(
    desk, form_day, card_day, paid
):
    card = desk.pay(at=at(9 if card_day == 30 else 10, card_day, 9), processor="stripe")
    form_at = at(9 if form_day == 30 else 10, form_day, 9)
    desk.pay(at=form_at, superseded_by_id=card.id)
    assert sum(desk.net(desk.approved(OCTOBER)).values()) == paid


def test_a_debit_that_was_begun_before_the_start_and_settles_after_it_is_paid(desk):
    with desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": date(2026, 10, 1)})
    with as_system(desk.org) as db:
        connection = create_connection(db, "stripe", "Main", "secret").id
    report_debit(desk, connection, "pi_1", "pending")
    report_debit(desk, connection, "pi_1", "succeeded", succeeded_at=at(10, 4))
    report_debit(desk, connection, "pi_2", "succeeded")  # as far as we know, on its date
    october = desk.approved(OCTOBER)

    assert desk.lines(october) == [("late", None, Decimal(4997))]
    with desk.admin.transaction() as db:
        count, _ = before_payouts_start(db, get_snapshot(db, october), payout_bounds(db))
        settled = db.execute(text("select settled_at from app.payments order by 1")).scalars()
        assert list(settled) == [at(9, 28), at(10, 4)]
    assert count == 1


def report_debit(desk, connection, key, status, *, succeeded_at=None):
    fact = PaymentFact(
        processor="stripe",
        connection_id=connection,
        key=key,
        amount=Decimal(4997),
        currency="USD",
        status=PaymentStatus(status),
        at=at(9, 28),
        succeeded_at=succeeded_at,
    )
    with as_system(desk.org) as db:
        lock_books(db)
        record_payment(db, fact)


def test_an_organisation_can_say_from_which_day_payouts_count_until_the_first_is_approved(desk):
    desk.pay("70.00", at=at(9, 3))
    with desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": date(2026, 9, 1)})
    october = desk.approved(OCTOBER)
    assert desk.lines(october) == [("late", "Ana", Decimal(70))]

    with pytest.raises(Conflict, match="started"), desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": date(2026, 8, 1)})
    with pytest.raises(DBAPIError), as_system(desk.org) as db:
        db.execute(update(MoneySettings).values(payouts_start=date(2026, 8, 1)))


def test_the_first_approval_sets_the_day_that_payouts_start(desk):
    desk.approved(SEPTEMBER)
    with desk.admin.transaction() as db:
        start = db.execute(text("select payouts_start from app.money_settings")).scalar()
    assert start == SEPTEMBER.start


def test_the_day_can_be_corrected_until_a_payout_has_a_line(desk):
    """The first payout is of the wrong month."""
    desk.approved(SEPTEMBER)
    with desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": OCTOBER.start})
    desk.pay("70.00")
    assert desk.lines(desk.approved(OCTOBER)) == [("payment", "Ana", Decimal(70))]
    with pytest.raises(Conflict, match="started"), desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": date(2026, 9, 1)})


def test_the_day_stays_while_money_is_held_back_which_would_never_come_again(desk):
    desk.pay(at=at(9, 20))
    first = desk.draft(SEPTEMBER)
    with desk.admin.transaction() as db:
        [line] = records(details_table(db, first))
        hold_back(db, line["id"], "a chargeback is announced", desk.admin)
    desk.approve(first)
    with pytest.raises(Conflict, match="started"), desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": OCTOBER.start})
    assert desk.lines(desk.draft(OCTOBER)) == [("late", "Ana", Decimal(4997))]


def test_without_a_day_payouts_count_from_the_first_of_them(desk):
    """It had no line, and its day was emptied in the settings; then late money arrives."""
    desk.approved(SEPTEMBER)
    with desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": None})
    desk.pay(at=at(9, 29))
    assert desk.lines(desk.approved(OCTOBER)) == [("late", "Ana", Decimal(4997))]
    with desk.admin.transaction() as db:
        start = db.execute(text("select payouts_start from app.money_settings")).scalar()
    assert start == SEPTEMBER.start


def test_approving_nothing_new_gives_an_empty_payout(desk):
    desk.pay()
    desk.approved(OCTOBER)
    november = desk.approved(NOVEMBER)
    assert (desk.lines(november), desk.net(november)) == ([], {})


def test_what_changed_since_an_approval_is_shown_with_its_sentence(desk):
    paid = desk.pay()
    october = desk.approved(OCTOBER)
    with desk.admin.transaction() as db:
        assert changes_since(db, get_snapshot(db, october), payout_bounds(db)).empty
    desk.change(paid, closer_id=desk.bo.id)
    desk.pay("5.00", at=at(11, 3))
    with desk.admin.transaction() as db:
        changed = changes_since(db, get_snapshot(db, october), payout_bounds(db))
    assert sorted(zip(changed["closer"], changed["net_now"], strict=True)) == [
        ("Ana", Decimal(-4997)),
        ("Bo", Decimal(4997)),
    ]


def test_the_bridge_leads_from_the_figures_to_the_payout(desk):
    october_paid = desk.pay()
    desk.approved(OCTOBER)
    desk.refund(october_paid, "97.00", at(11, 5))  # of an earlier payment
    refunded = desk.pay("1000.00", at=at(11, 20))
    desk.refund(refunded, "400.00", at(12, 2))  # a later payout counts it
    desk.pay("30.00", at=at(10, 20), email="late@example.com")
    desk.change(october_paid, amount=Decimal(5000))
    odd = desk.pay("50.00", at=at(11, 21), email="odd@example.com")
    november = desk.draft(NOVEMBER)
    with desk.admin.transaction() as db:
        lines = details_table(db, november)
        line = lines.loc[lines["payment_id"] == odd.id, "id"].item()
        hold_back(db, line, "odd", desk.admin)
        steps = bridge(db, get_snapshot(db, november), payout_bounds(db))
        figures = metrics_table(db, NOVEMBER, (), at=at(12, 5)).frame()

    assert dict(zip(steps["step"], steps["amount"], strict=True)) == {
        "figures": Decimal(650),
        "refunded_later": Decimal(400),
        "late": Decimal(30),
        "refunds_of_earlier": Decimal(-97),
        "corrections": Decimal(3),
        "held_back": Decimal(-50),
        "payout": Decimal(936),
    }
    assert desk.net(november) == {"USD": Decimal(936)}
    assert figures["net_revenue"][0] == {"USD": Decimal(650)}


def test_a_hundred_payments_take_as_many_statements_as_one(desk):
    """Lines are made by the database, not one by one."""
    asked = []
    for payments in (1, 99):
        with as_system(desk.org) as db:
            for _ in range(payments):
                make.payment(db, desk.org, "1.00", at=at(10, 3))
        with desk.admin.transaction() as db, statements() as said:
            create_snapshot(db, "October", OCTOBER, desk.admin)
        asked.append(len(said))
    assert asked[0] == asked[1]


def test_days_of_another_year_are_written_with_it(desk):
    paid = desk.pay(at=at(12, 30))
    desk.approved(DECEMBER)
    desk.refund(paid, "1.00", datetime(2027, 1, 5, 12, tzinfo=UTC))
    january = Period(date(2027, 1, 1), date(2027, 1, 8), ZONE)
    with desk.admin.transaction() as db:
        made = create_snapshot(db, "January 2027", january, desk.admin)
    assert desk.sentences(made.id) == [
        "refund of 5 Jan on a payment of 30 Dec 2026, counted in December 2026: −$1.00"
    ]


def test_a_refund_that_only_becomes_known_later_is_deducted_once(desk):
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.refund(paid, "10.00", at(10, 31))
    desk.refund(paid, "5.00", at(10, 31) + timedelta(hours=1), status="failed")

    assert desk.lines(desk.approved(NOVEMBER)) == [("refund", "Ana", Decimal(-10))]
    assert desk.lines(desk.approved(DECEMBER)) == []


def test_the_bridge_of_a_second_draft_says_that_its_days_were_counted(desk):
    desk.pay()
    desk.approved(OCTOBER)
    again = desk.draft(OCTOBER)
    with desk.admin.transaction() as db:
        rows = records(bridge(db, get_snapshot(db, again), payout_bounds(db)))
    assert {row["step"]: row["amount"] for row in rows} == {
        "figures": Decimal(4997),
        "counted_before": Decimal(-4997),
        "payout": Decimal(0),
    }


def test_the_first_payout_is_not_approved_before_a_draft_of_earlier_days(desk):
    desk.pay(at=at(9, 29))
    september, october = desk.draft(SEPTEMBER), desk.draft(OCTOBER)
    with pytest.raises(Conflict, match="“September 2026” has earlier days and is a draft"):
        desk.approve(october)
    desk.approve(september)
    assert desk.lines(september) == [("payment", "Ana", Decimal(4997))]
    assert desk.lines(desk.approved(OCTOBER)) == []


def test_a_payout_of_earlier_days_is_not_asked_for_where_the_day_is_set_or_the_draft_is_gone(desk):
    september, october = desk.draft(SEPTEMBER), desk.draft(OCTOBER)
    with desk.admin.transaction() as db:
        discard(db, september, desk.admin)
        assert refusal(get_snapshot(db, october), payout_bounds(db)) is None
    desk.draft(SEPTEMBER)
    with as_system(desk.org) as db:
        change_settings(db, MONEY, {"payouts_start": OCTOBER.start})
    desk.approve(october)


def test_a_payout_of_days_before_the_first_approved_says_what_becomes_of_its_money(desk):
    def said(period):
        with desk.admin.transaction() as db:
            reason = refusal(get_snapshot(db, desk.draft(period)), payout_bounds(db))
        return reason.partition("a payout has to begin after them. ")[2]

    desk.pay(at=at(9, 29))
    desk.approved(OCTOBER)
    assert said(OCTOBER) == "Whatever is missing there comes into the next payout by itself."
    since = (
        "Payouts start on 1 Oct 2026. What is missing since then comes into the next payout by"
        " itself, what was paid before is in none. "
    )
    assert said(SEPTEMBER) == (
        f"{since}Set “Payouts start on” under Settings to an earlier day to have it paid."
    )
    with as_system(desk.org) as db:
        change_settings(db, MONEY, {"payouts_start": SEPTEMBER.start})
    assert said(SEPTEMBER) == "Whatever is missing there comes into the next payout by itself."
    assert desk.lines(desk.approved(NOVEMBER)) == [("late", "Ana", Decimal(4997))]


def test_a_payout_of_days_before_the_start_says_that_the_day_stays_once_lines_are_approved(desk):
    desk.pay(at=at(10, 29))
    desk.approved(OCTOBER)
    with desk.admin.transaction() as db:
        september = get_snapshot(db, desk.draft(SEPTEMBER))
        reason = refusal(september, payout_bounds(db))
    assert reason.endswith(
        "That day stays, since approved payouts have lines: settle it elsewhere."
    )
