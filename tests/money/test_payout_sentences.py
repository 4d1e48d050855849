"""Every kind of line and every step of the bridge says what it is: which payment, when, which way,
and which payout counted it before.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from core.bookings.models import Event, Package
from core.bookings.rep_names import rep_in_words
from core.money.attribution import attribute_event
from core.money.models import (
    BridgeStep,
    LineReason,
    Payment,
    PayoutSnapshot,
    PayoutSnapshotDetail,
    Refund,
)
from core.money.payout_bridge import before_payouts_start, bridge
from core.money.payout_lines import changes_since, payout_bounds
from core.money.payout_tables import details_table, summaries_table
from core.money.payouts import (
    altered_payouts,
    create_snapshot,
    get_snapshot,
    hold_back,
    mark_paid,
    rebuild,
)
from core.money.schemas import PayoutDetail
from core.money.settings import MONEY
from core.operations.checks import State
from core.operations.organization_checks import examine_organization
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period, today
from core.platform.database import as_system
from core.platform.dataframes import records
from core.platform.errors import Conflict, InvalidInput, NotAllowed
from core.tenancy.organizations.settings import change_settings
from tests import factories as make
from tests.money.desk import DECEMBER, NOVEMBER, OCTOBER, ZONE, Desk, at
from tests.ports import owner

TODAY = "today"
Line = tuple[str, str, str | None]  # why, its day, and the sentence


def hold(desk: Desk, snapshot: UUID, payment: UUID, why: str) -> None:
    with desk.admin.transaction() as db:
        lines = details_table(db, snapshot)
        line = lines.loc[lines["payment_id"] == payment, "id"].iloc[0]
        hold_back(db, line, why, desk.admin)


def end_refunds(desk: Desk, status: str = "failed") -> None:
    with as_system(desk.org) as db:
        lock_books(db)
        db.execute(update(Refund).values(status=status))


def new_payment(desk: Desk) -> UUID:
    desk.approved(OCTOBER)
    desk.pay(at=at(11, 3))
    return desk.draft(NOVEMBER)


def settled_late(desk: Desk) -> UUID:
    debit = desk.pay(status="pending")
    desk.approved(OCTOBER)
    desk.change(debit, status="succeeded")
    return desk.draft(NOVEMBER)


def of_last_year(desk: Desk) -> UUID:
    with desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": date(2025, 1, 1)})
    desk.pay(at=datetime(2025, 10, 3, 12, tzinfo=UTC))
    return desk.draft(OCTOBER)


def held_back(desk: Desk) -> UUID:
    odd = desk.pay()
    october = desk.draft(OCTOBER)
    hold(desk, october, odd.id, "She may want it back")
    desk.approve(october)
    return desk.draft(NOVEMBER)


def held_back_as_cash_and_reported_since(desk: Desk) -> UUID:
    form = desk.pay(at=at(10, 30))
    october = desk.draft(OCTOBER)
    hold(desk, october, form.id, "Made up?")
    desk.approve(october)
    card = desk.pay(at=at(10, 31), processor="stripe")
    desk.change(form, superseded_by_id=card.id)
    return desk.draft(NOVEMBER)


def refund_held_back(desk: Desk) -> UUID:
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.refund(paid, "10.00", at(11, 5))
    november = desk.draft(NOVEMBER)
    hold(desk, november, paid.id, "Ask the bank")
    desk.approve(november)
    desk.refund(paid, "7.00", at(12, 2))
    return desk.draft(DECEMBER)


def refunded(desk: Desk, amount: str = "4997.00", back: str = "97.00", **values: Any) -> UUID:
    paid = desk.pay(amount, **values)
    desk.approved(OCTOBER)
    desk.refund(paid, back, at(11, 5))
    return desk.draft(NOVEMBER)


def refunded_in_yen(desk: Desk) -> UUID:
    return refunded(desk, "50000", "500", currency="JPY")


def refunded_in_dinars(desk: Desk) -> UUID:
    return refunded(desk, "100.000", "1.125", currency="KWD")


def refunded_twice(desk: Desk) -> UUID:
    """The second refund names where the payment was counted, not where the first refund was."""
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.refund(paid, "97.00", at(11, 5))
    desk.approved(NOVEMBER)
    desk.refund(paid, "3.00", at(12, 2))
    return desk.draft(DECEMBER)


def dispute_lost(desk: Desk) -> UUID:
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.refund(paid, "4997.00", at(11, 5), kind="dispute")
    return desk.draft(NOVEMBER)


def refund_failed(desk: Desk) -> UUID:
    refunded(desk)
    desk.approved(NOVEMBER)
    end_refunds(desk)
    return desk.draft(DECEMBER)


def refund_of_a_new_payment_failed(desk: Desk) -> UUID:
    paid = desk.pay()
    desk.refund(paid, "97.00", at(10, 31))
    desk.approved(OCTOBER)
    end_refunds(desk, "canceled")
    return desk.draft(NOVEMBER)


def dispute_reversed(desk: Desk) -> UUID:
    dispute_lost(desk)
    desk.approved(NOVEMBER)
    end_refunds(desk, "canceled")
    return desk.draft(DECEMBER)


def refund_corrected(desk: Desk) -> UUID:
    refunded(desk)
    desk.approved(NOVEMBER)
    with as_system(desk.org) as db:
        lock_books(db)
        db.execute(update(Refund).values(amount=Decimal(90)))
    return desk.draft(DECEMBER)


def refund_came_back(desk: Desk) -> UUID:
    """It failed, was given back, and succeeded after all: that it once failed is no reason."""
    paid = desk.pay()
    desk.refund(paid, "97.00", at(10, 31))
    desk.approved(OCTOBER)
    end_refunds(desk)
    desk.approved(NOVEMBER)
    end_refunds(desk, "succeeded")
    return desk.draft(DECEMBER)


def credited(desk: Desk) -> UUID:
    paid = desk.pay(attributed_at=at(10, 30, 13))
    desk.approved(OCTOBER)
    desk.change(paid, closer_id=desk.bo.id, attributed_at=at(11, 7))
    return desk.draft(NOVEMBER)


def credited_to_nobody(desk: Desk) -> UUID:
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.change(paid, closer_id=None, attributed_at=at(11, 7))
    return desk.draft(NOVEMBER)


def credited_to_somebody_of_that_name(desk: Desk) -> UUID:
    """The booking turns out to be of another host who is called Ana, and not on the roster."""
    with as_system(desk.org) as db:
        event = make.event(db, desk.org, closer_name="Ana")
    paid = desk.pay(event_id=event.id)
    desk.approved(OCTOBER)
    desk.change(paid, closer_id=None, attributed_at=at(11, 7))
    return desk.draft(NOVEMBER)


def credited_to_another_of_the_name(desk: Desk) -> UUID:
    """The roster has two closers who are called Ana."""
    with as_system(desk.org) as db:
        other = make.closer(db, desk.org, "Ana", email="other.ana@example.com")
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.change(paid, closer_id=other.id, attributed_at=at(11, 7))
    return desk.draft(NOVEMBER)


def set_by_nobody_any_more(desk: Desk) -> UUID:
    """The setter is taken off, and the booking goes on naming them."""
    with as_system(desk.org) as db:
        sam = make.setter(db, desk.org, "Sam")
        event = make.event(db, desk.org, setter_name="Sam B")
    paid = desk.pay(event_id=event.id, setter_id=sam.id)
    desk.approved(OCTOBER)
    desk.change(paid, setter_id=None, attributed_at=at(11, 7))
    return desk.draft(NOVEMBER)


def nobodys_stays_nobodys(desk: Desk) -> UUID:
    """The money of nobody gets a setter and a package, and no closer."""
    paid = desk.pay(closer_id=None)
    desk.approved(OCTOBER)
    with as_system(desk.org) as db:
        sam, core = make.setter(db, desk.org, "Sam"), Package(organization_id=desk.org, name="Core")
        db.add(core)
        db.flush()
        values = {"setter_id": sam.id, "package_id": core.id}
    desk.change(paid, attributed_at=at(11, 7), **values)
    return desk.draft(NOVEMBER)


def package_changed(desk: Desk) -> UUID:
    """Whose it is was settled before: the package alone changed, today."""
    paid = desk.pay(attributed_at=at(10, 30, 13))
    desk.approved(OCTOBER)
    with as_system(desk.org) as db:
        core = Package(organization_id=desk.org, name="Core")
        db.add(core)
        db.flush()
        package = core.id
    desk.change(paid, package_id=package)
    return desk.draft(NOVEMBER)


def amount_corrected(desk: Desk) -> UUID:
    paid = desk.pay("100.00")
    desk.approved(OCTOBER)
    desk.change(paid, amount=Decimal(60))
    return desk.draft(NOVEMBER)


def currency_corrected(desk: Desk) -> UUID:
    """With what had gone back of it, and to another closer at once."""
    paid = desk.pay("100.00", attributed_at=at(11, 7))
    desk.refund(paid, "10.00", at(10, 31))
    desk.approved(OCTOBER)
    desk.change(paid, currency="KWD", closer_id=desk.bo.id)
    return desk.draft(NOVEMBER)


def reported_after(desk: Desk) -> UUID:
    form = desk.pay(at=at(10, 31))
    desk.approved(OCTOBER)
    card = desk.pay(at=at(11, 1, 9), processor="stripe")
    desk.change(form, superseded_by_id=card.id)
    return desk.draft(NOVEMBER)


def reported_later_still(desk: Desk) -> UUID:
    form = desk.pay(at=at(10, 31))
    desk.approved(OCTOBER)
    card = desk.pay(at=at(12, 1, 9), processor="stripe")
    desk.change(form, superseded_by_id=card.id)
    return desk.draft(NOVEMBER)


def both_were_counted(desk: Desk) -> UUID:
    form, card = desk.pay(at=at(10, 30)), desk.pay(at=at(10, 31), processor="stripe")
    desk.approved(OCTOBER)
    desk.change(form, superseded_by_id=card.id)
    return desk.draft(NOVEMBER)


def parted_again(desk: Desk) -> UUID:
    form, card = desk.pay(at=at(10, 30)), desk.pay(at=at(10, 31), processor="stripe")
    desk.approved(OCTOBER)
    desk.change(form, superseded_by_id=card.id)
    desk.approved(NOVEMBER)
    desk.change(form, superseded_by_id=None)
    return desk.draft(DECEMBER)


def withdrawn(desk: Desk) -> UUID:
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.change(paid, deleted_at=at(11, 8))
    return desk.draft(NOVEMBER)


def restored_and_refunded(desk: Desk) -> UUID:
    """A refund names the payout that counted the payment last."""
    paid = desk.pay()
    desk.approved(Period(date(2026, 10, 1), date(2026, 10, 31), ZONE))
    desk.change(paid, deleted_at=at(10, 31))
    with desk.admin.transaction() as db:
        last_day = Period(date(2026, 10, 31), date(2026, 11, 1), ZONE)
        one = create_snapshot(db, None, last_day, desk.admin).id
    desk.approve(one)
    desk.change(paid, deleted_at=None)
    desk.approved(NOVEMBER)
    desk.refund(paid, "97.00", at(12, 2))
    return desk.draft(DECEMBER)


def failed(desk: Desk) -> UUID:
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.change(paid, status="failed")
    return desk.draft(NOVEMBER)


def dated_later(desk: Desk) -> UUID:
    paid = desk.pay()
    desk.approved(OCTOBER)
    desk.change(paid, payment_date=at(12, 3))
    return desk.draft(NOVEMBER)


OCT_30 = "payment of 30 Oct"
NOT_THEN = "which did not count when October 2026 was approved"
COUNTED = f"{OCT_30}, counted in October 2026"
HISTORIES: dict[Callable[[Desk], UUID], list[Line]] = {
    new_payment: [("payment", "2026-11-03", None)],
    settled_late: [
        ("late", "2026-10-30", f"{OCT_30}, which did not count when October 2026 was approved")
    ],
    of_last_year: [("late", "2025-10-03", "payment of 3 Oct 2025, of days that no payout had")],
    held_back: [("late", "2026-10-30", "payment of 30 Oct, held back in October 2026")],
    held_back_as_cash_and_reported_since: [
        ("late", "2026-10-31", "payment of 31 Oct, held back in October 2026")
    ],
    refund_held_back: [
        (
            "refund",
            "2026-11-05",
            f"refund of 5 Nov on a {COUNTED} (held back in November 2026): −$10.00",
        ),
        ("refund", "2026-12-02", f"refund of 2 Dec on a {COUNTED}: −$7.00"),
    ],
    refunded: [("refund", "2026-11-05", f"refund of 5 Nov on a {COUNTED}: −$97.00")],
    refunded_in_yen: [("refund", "2026-11-05", f"refund of 5 Nov on a {COUNTED}: −¥500")],
    refunded_in_dinars: [("refund", "2026-11-05", f"refund of 5 Nov on a {COUNTED}: −KWD1.125")],
    refunded_twice: [("refund", "2026-12-02", f"refund of 2 Dec on a {COUNTED}: −$3.00")],
    dispute_lost: [("dispute", "2026-11-05", f"dispute of a {COUNTED}, lost on 5 Nov: −$4,997.00")],
    refund_failed: [
        (
            "refund_changed",
            TODAY,
            "refund of 5 Nov on a payment of 30 Oct, counted in November"
            " 2026, failed or was cancelled: $97.00",
        )
    ],
    refund_of_a_new_payment_failed: [
        (
            "refund_changed",
            TODAY,
            "refund of 31 Oct on a payment of 30 Oct, counted in October"
            " 2026, failed or was cancelled: $97.00",
        )
    ],
    dispute_reversed: [
        (
            "refund_changed",
            TODAY,
            "lost dispute of 5 Nov on a payment of 30 Oct, counted in"
            " November 2026, was reversed: $4,997.00",
        )
    ],
    refund_corrected: [("refund_changed", TODAY, f"corrected refunds of a {COUNTED}: $7.00")],
    refund_came_back: [("refund_changed", TODAY, f"corrected refunds of a {COUNTED}: −$97.00")],
    credited: [
        ("credited", "2026-11-07", f"{COUNTED}: closer changed from Ana to Bo: −$4,997.00"),
        ("credited", "2026-11-07", f"{COUNTED}: closer changed from Ana to Bo: $4,997.00"),
    ],
    credited_to_nobody: [
        ("credited", "2026-11-07", f"{COUNTED}: closer changed from Ana to nobody: −$4,997.00"),
        ("credited", "2026-11-07", f"{COUNTED}: closer changed from Ana to nobody: $4,997.00"),
    ],
    credited_to_somebody_of_that_name: [
        (
            "credited",
            "2026-11-07",
            f"{COUNTED}: closer changed from Ana to nobody (host “Ana”): {amount}",
        )
        for amount in ("−$4,997.00", "$4,997.00")
    ],
    credited_to_another_of_the_name: [
        (
            "credited",
            "2026-11-07",
            f"{COUNTED}: closer changed from one Ana to another: {amount}",
        )
        for amount in ("−$4,997.00", "$4,997.00")
    ],
    set_by_nobody_any_more: [
        (
            "credited",
            "2026-11-07",
            f"{COUNTED}: setter changed from Sam to nobody (the booking says “Sam B”): {amount}",
        )
        for amount in ("−$4,997.00", "$4,997.00")
    ],
    nobodys_stays_nobodys: [
        (
            "credited",
            "2026-11-07",
            f"{COUNTED}: setter changed from nobody to Sam, package changed"
            " from none to Core: −$4,997.00",
        ),
        (
            "credited",
            "2026-11-07",
            f"{COUNTED}: setter changed from nobody to Sam, package changed"
            " from none to Core: $4,997.00",
        ),
    ],
    package_changed: [
        ("credited", TODAY, f"{COUNTED}: package changed from none to Core: −$4,997.00"),
        ("credited", TODAY, f"{COUNTED}: package changed from none to Core: $4,997.00"),
    ],
    amount_corrected: [("amount", TODAY, f"corrected amount of a {COUNTED}: −$40.00")],
    currency_corrected: [
        (
            "amount",
            TODAY,
            f"{COUNTED}: currency corrected from USD to KWD, closer changed"
            " from Ana to Bo: −$90.00",
        ),
        (
            "amount",
            TODAY,
            f"{COUNTED}: currency corrected from USD to KWD, closer changed from Ana"
            " to Bo: KWD90.000",
        ),
    ],
    reported_after: [
        (
            "superseded",
            TODAY,
            "payment of 31 Oct, counted in October 2026: the same money as the"
            " payment of 1 Nov, which counts instead: −$4,997.00",
        ),
        (
            "superseded",
            TODAY,
            "payment of 1 Nov in place of the payment of 31 Oct, which is the"
            " same money and was counted in October 2026: $4,997.00",
        ),
    ],
    reported_later_still: [
        (
            "superseded",
            TODAY,
            "payment of 31 Oct, counted in October 2026: the same money as the"
            " payment of 1 Dec, which a later payout counts: −$4,997.00",
        ),
    ],
    both_were_counted: [
        (
            "superseded",
            TODAY,
            f"{COUNTED}: the same money as the payment of 31 Oct, which counts instead: −$4,997.00",
        ),
    ],
    parted_again: [
        (
            "restored",
            TODAY,
            "payment of 30 Oct, taken out in November 2026, counts again: $4,997.00",
        )
    ],
    withdrawn: [("deleted", "2026-11-08", f"{COUNTED}: deleted or withdrawn: −$4,997.00")],
    restored_and_refunded: [
        (
            "refund",
            "2026-12-02",
            "refund of 2 Dec on a payment of 30 Oct, counted in November 2026: −$97.00",
        )
    ],
    failed: [("failed", TODAY, f"{COUNTED}: did not go through: −$4,997.00")],
    dated_later: [
        ("moved_later", TODAY, f"{COUNTED}: now dated 3 Dec, after this payout: −$4,997.00")
    ],
}


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
def test_each_line_says_what_happened_when_and_which_payout_counted_it(desk, history):
    snapshot = history(desk)
    with desk.admin.transaction() as db:
        lines = records(details_table(db, snapshot))
    found = [
        (line["reason_code"], str(line["line_date"].date()), line["reason"])
        for line in sorted(lines, key=lambda each: (each["payment_date"], each["net_revenue"]))
    ]
    now = str(today("UTC"))
    expected = [
        (why, now if day == TODAY else day, words) for why, day, words in HISTORIES[history]
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_the_histories_have_every_kind_of_line():
    assert {why for lines in HISTORIES.values() for why, _, _ in lines} == set(LineReason)


def steps_of(desk: Desk, snapshot: UUID) -> dict[tuple[str, str], Decimal]:
    with desk.admin.transaction() as db:
        rows = records(bridge(db, get_snapshot(db, snapshot), payout_bounds(db)))
    return {(row["step"], row["currency"]): row["amount"] for row in rows}


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
def test_the_bridge_adds_up_and_needs_no_catch_all_for_a_draft_of_the_present(desk, history):
    snapshot = history(desk)
    steps = steps_of(desk, snapshot)
    for currency in {currency for _, currency in steps}:
        amounts = {step: amount for (step, of), amount in steps.items() if of == currency}
        paid = amounts.pop("payout")
        assert sum(amounts.values()) == paid
        assert desk.net(snapshot).get(currency, 0) == paid
        assert "other" not in amounts


def test_the_bridge_names_what_was_counted_before_and_what_is_from_before_payouts_started(desk):
    with desk.admin.transaction() as db:
        change_settings(db, MONEY, {"payouts_start": date(2026, 10, 15)})
    desk.pay("1000.00", at=at(10, 3))
    early = desk.pay("20.00", at=at(10, 20))
    october = desk.approved(OCTOBER)
    assert steps_of(desk, october) == {
        ("figures", "USD"): Decimal(1020),
        ("before_start", "USD"): Decimal(-1000),
        ("payout", "USD"): Decimal(20),
    }
    desk.change(early, payment_date=at(11, 2), amount=Decimal(25))
    assert steps_of(desk, desk.draft(NOVEMBER)) == {
        ("figures", "USD"): Decimal(25),
        ("counted_before", "USD"): Decimal(-20),
        ("payout", "USD"): Decimal(5),
    }
    assert steps_of(desk, october)["other", "USD"] == 20, "of an approved one, what changed since"
    assert set(BridgeStep) >= {"figures", "before_start", "counted_before", "other", "payout"}


def test_a_card_of_before_the_start_that_stands_for_counted_cash_is_not_called_left_out(desk):
    form = desk.pay(at=at(10, 1, 9))
    desk.approved(OCTOBER)
    card = desk.pay(at=at(9, 30, 9), processor="stripe")
    desk.change(form, superseded_by_id=card.id)
    draft = desk.draft(NOVEMBER)
    with desk.admin.transaction() as db:
        assert before_payouts_start(db, get_snapshot(db, draft), payout_bounds(db))[0] == 0


def test_what_an_approved_payout_held_back_has_not_changed_since(desk):
    odd = desk.pay()
    october = desk.draft(OCTOBER)
    hold(desk, october, odd.id, "odd")
    desk.approve(october)
    with desk.admin.transaction() as db:
        assert changes_since(db, get_snapshot(db, october), payout_bounds(db)).empty


def test_the_words_in_which_money_was_held_back_come_again_for_those_who_decide(desk):
    november = held_back(desk)
    with desk.admin.transaction() as db:
        assert list(details_table(db, november)["held_before"]) == ["She may want it back"]


def test_a_new_refund_does_not_bear_the_words_of_the_one_that_was_held_back(desk):
    december = refund_held_back(desk)
    with desk.admin.transaction() as db:
        lines = records(details_table(db, december))
    before = {line["reason"].split(" on ")[0]: line["held_before"] for line in lines}
    assert before["refund of 5 Nov"] == "Ask the bank"
    assert before["refund of 2 Dec"] is None


def test_a_credited_line_is_dated_by_the_change_and_not_by_the_first_attribution(desk):
    with as_system(desk.org) as db:
        event = make.event(db, desk.org, desk.ana, at=at(10, 30))
    paid = desk.pay(event_id=event.id, at=at(10, 30, 13))
    desk.change(paid, attributed_at=at(10, 30, 13))
    with as_system(desk.org) as db:
        attribute_event(db, event.id)
        db.execute(update(Payment).values(attributed_at=at(10, 30, 13)))
    desk.approved(OCTOBER)
    with as_system(desk.org) as db:
        lock_books(db)
        db.execute(update(Event).values(closer_id=desk.bo.id, closer_name="Bo"))
        attribute_event(db, event.id)
        changed_at = db.scalars(select(Payment.attributed_at)).one()
    assert changed_at.date() == today("UTC")
    desk.change(paid, note="looked at again")
    with desk.admin.transaction() as db:
        dates = details_table(db, desk.draft(NOVEMBER))["line_date"]
    assert set(dates) == {changed_at}


def fingerprint(lines: list[PayoutSnapshotDetail]) -> str:
    """As docs/architecture.md describes it."""
    written = [
        json.dumps(
            [
                str(line.id),
                str(line.payment_id),
                line.kind,
                line.reason_code,
                line.reason,
                *(
                    f"{day.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
                    for day in (line.line_date, line.payment_date)
                ),
                line.processor,
                line.processor_payment_id,
                line.currency,
                f"{line.amount:.3f}",
                f"{line.refund_amount:.3f}",
                line.event_id and str(line.event_id),
                line.closer_id and str(line.closer_id),
                line.closer_name,
                line.setter_id and str(line.setter_id),
                line.setter_name,
                line.source_id and str(line.source_id),
                line.source_name,
                line.package_id and str(line.package_id),
                line.package_name,
                line.attribution_method,
                ",".join(map(str, line.refund_ids)),
                ",".join(map(str, line.corrects)),
                "held back" if line.held_back else "counted",
            ],
            ensure_ascii=False,
        )
        for line in sorted(lines, key=lambda each: str(each.id))
    ]
    return hashlib.sha256("\n".join(written).encode()).hexdigest()


def test_an_approved_payout_carries_the_fingerprint_of_its_lines_in_the_audit_log_too(desk):
    odd = desk.pay("1.00", email="o\u2019neil@example.com", processor_payment_id='a "b"\\c')
    refunded(desk, "50000", "500", currency="JPY")
    november = desk.draft(NOVEMBER)
    desk.refund(odd, "0.50", at(11, 6))
    with desk.admin.transaction() as db:
        rebuild(db, november, desk.admin)
        assert get_snapshot(db, november).lines_sha256 is None
    hold(desk, november, odd.id, "odd")
    desk.approve(november)
    with desk.admin.transaction() as db:
        wanted = select(PayoutSnapshotDetail).where(PayoutSnapshotDetail.snapshot_id == november)
        lines = list(db.scalars(wanted))
        stored = get_snapshot(db, november).lines_sha256
        logged = db.execute(
            text(
                "select changes -> 'lines_sha256' ->> 1 from app.audit_logs where row_id = :id"
                " and jsonb_exists(changes, 'lines_sha256')"
            ),
            {"id": str(november)},
        ).scalars()
        assert list(logged) == [stored]
        assert altered_payouts(db) == []
    assert len(lines) == 2
    assert stored == fingerprint(lines)


@pytest.mark.parametrize(
    "change",
    [
        "update app.payout_snapshot_details set amount = amount + 1, net_revenue = net_revenue + 1",
        "update app.payout_snapshot_details set closer_name = 'Bo'",
        "delete from app.payout_snapshot_details",
        "update app.payout_snapshots set lines_sha256 = repeat('0', 64)",
    ],
)
def test_the_self_check_finds_an_approved_payout_that_was_changed_behind_the_products_back(
    desk, change
):
    desk.pay()
    desk.approved(OCTOBER)
    line = next(each for each in examine_organization(desk.org) if each.name == "payouts")
    assert line.state == State.GREEN
    tables = ("payout_snapshots", "payout_snapshot_details")
    with owner() as db:
        for table in tables:
            db.execute(text(f"alter table app.{table} disable trigger user"))
            db.execute(text(f"alter table app.{table} no force row level security"))
        column = "id" if "snapshots set" in change else "snapshot_id"
        of_this = (
            f" where {column} in (select id from app.payout_snapshots where organization_id = :org)"
        )
        db.execute(text(change + of_this), {"org": desk.org})
        for table in tables:
            db.execute(text(f"alter table app.{table} enable trigger user"))
            db.execute(text(f"alter table app.{table} force row level security"))
    line = next(each for each in examine_organization(desk.org) if each.name == "payouts")
    assert (line.state, line.seen) == (
        State.RED,
        "the lines of “October 2026” have changed since approval",
    )


def test_money_of_a_host_who_is_called_like_a_closer_is_nobodys_in_every_sum_and_line(desk):
    with as_system(desk.org) as db:
        events = [make.event(db, desk.org, closer_name=name) for name in ("Ana", "Ana B")]
    desk.pay("100.00")
    for event in events:
        desk.pay("30.00", event_id=event.id, closer_id=None)
    draft = desk.draft(OCTOBER)
    with desk.admin.transaction() as db:
        sums = records(summaries_table(db, draft))
        lines = records(details_table(db, draft))
    names = sorted(
        rep_in_words(line["closer_name"], "closer", is_listed=line["closer_id"] is not None)
        for line in lines
    )
    assert names == ["Ana", "“Ana B” (not in your list)", "“Ana” (not in your list)"]
    in_api = sorted(str(PayoutDetail.model_validate(line).closer) for line in lines)
    assert in_api == ["Ana", "Nobody (host “Ana B”)", "Nobody (host “Ana”)"]
    assert [
        (row["member_id"], row["label"], row["payment_count"], row["net_revenue"])
        for row in sums
        if row["dimension"] == "closer"
    ] == [(desk.ana.id, "Ana", 1, Decimal(100)), (None, None, 2, Decimal(60))]


def test_a_payout_is_called_by_its_days_when_nobody_names_it(desk):
    names = []
    with desk.admin.transaction() as db:
        for end in (date(2025, 11, 1), date(2025, 10, 16), date(2025, 10, 2), date(2026, 10, 1)):
            period = Period(date(2025, 10, 1), end, ZONE)
            names.append(create_snapshot(db, "  ", period, desk.admin).name)
    assert names == [
        "October 2025",
        "1 Oct 2025 – 15 Oct 2025",
        "1 Oct 2025",
        "1 Oct 2025 – 30 Sep 2026",
    ]


def test_a_payout_with_a_mistyped_year_is_not_even_made_and_blocks_no_other(desk):
    desk.pay()
    period = Period(OCTOBER.start, date(2062, 11, 1), ZONE)
    with pytest.raises(InvalidInput, match="ends on 31 Oct 2062"), desk.admin.transaction() as db:
        create_snapshot(db, "October", period, desk.admin)
    with desk.admin.transaction() as db:
        assert db.scalars(select(PayoutSnapshot)).all() == []
    assert desk.net(desk.approved(OCTOBER)) == {"USD": Decimal(4997)}


def test_a_draft_of_an_earlier_release_with_a_mistyped_year_is_not_approved(desk):
    october = desk.draft(OCTOBER)
    with desk.admin.transaction() as db:
        db.execute(update(PayoutSnapshot).values(period_end=date(2062, 11, 1)))
    with pytest.raises(Conflict, match="ends on 31 Oct 2062"):
        desk.approve(october)


def test_of_two_who_mark_a_payout_as_paid_at_once_one_is_told_in_a_sentence(desk):
    october = desk.approved(OCTOBER)
    start = threading.Barrier(2)

    def mark() -> str:
        with desk.admin.transaction() as db:
            get_snapshot(db, october)
            start.wait()
            try:
                mark_paid(db, october, desk.admin)
            except Conflict as error:
                return error.message
            return "paid"

    with ThreadPoolExecutor(2) as both:
        answers = sorted(both.map(lambda _: mark(), range(2)))
    assert answers == ["Only an approved payout can be marked as paid.", "paid"]


@pytest.mark.parametrize("role", ["manager", "sales_rep", "viewer"])
def test_only_an_admin_makes_a_payout(desk, role):
    other = make.viewer(desk.org, role)
    with pytest.raises(NotAllowed), other.transaction() as db:
        create_snapshot(db, None, OCTOBER, other)


def test_no_more_than_its_amount_goes_back_of_a_payment_that_was_refunded_and_disputed(desk):
    """The earlier counts first, in the payout as in the figures; what is left of the later is
    deducted, and it counts again when the earlier one fails.
    """
    paid = desk.pay("100.00")
    desk.approved(OCTOBER)
    desk.refund(paid, "30.00", at(11, 5))
    desk.refund(paid, "100.00", at(11, 9), kind="dispute")
    november = desk.approved(NOVEMBER)
    assert desk.lines(november) == [
        ("refund", "Ana", Decimal(-30)),
        ("dispute", "Ana", Decimal(-70)),
    ]
    with as_system(desk.org) as db:
        lock_books(db)
        db.execute(update(Refund).where(Refund.kind == "refund").values(status="failed"))
    assert desk.lines(desk.approved(DECEMBER)) == [], "70 of the dispute before, 100 now"
