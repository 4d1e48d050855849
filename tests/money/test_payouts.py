"""A payout adds up to the cent, and once approved not even the database's own roles can
change it.
"""

import json
import random
from collections import defaultdict
from contextlib import nullcontext
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.money.payout_lines import changes_since, payout_bounds
from core.money.payouts import (
    approve,
    create_snapshot,
    discard,
    get_snapshot,
    mark_paid,
    overlap,
    suggested_period,
)
from core.money.schemas import payout_json
from core.platform.clock import Period, today
from core.platform.database import as_system
from core.platform.errors import Conflict, NotAllowed
from tests import factories as make
from tests.factories import NOON
from tests.ports import owner
from tests.statements import statements

NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1), "Europe/Copenhagen")


def answer(db, snapshot_id):
    return json.loads(b"".join(payout_json(lambda: nullcontext(db), snapshot_id)))


@pytest.fixture
def admin():
    return make.viewer(make.organization(), "admin")


def payout(admin, period=NOVEMBER):
    with admin.transaction() as db:
        return create_snapshot(db, "November", period, admin).id


def test_details_summaries_and_header_agree_on_random_money(admin):
    dice, org = random.Random(7), admin.organization_id
    expected = defaultdict(Decimal)
    with as_system(org) as db:
        closers = [make.closer(db, org, name).id for name in ("Ana", "Bo")] + [None]
        for _ in range(60):
            currency, at = (
                dice.choice(["USD", "EUR", "JPY"]),
                NOON + timedelta(days=dice.randint(-12, 35), hours=dice.randint(0, 23)),
            )
            amount, back = (
                Decimal(dice.randint(1, 999999)).scaleb(-2),
                Decimal(dice.randint(0, 100)).scaleb(-2),
            )
            status = dice.choice(["succeeded", "succeeded", "failed"])
            make.payment(
                db,
                org,
                str(amount),
                currency=currency,
                at=at,
                refund_amount=back,
                status=status,
                closer_id=dice.choice(closers),
            )
            if status == "succeeded" and NOVEMBER.starts_at <= at < NOVEMBER.ends_at:
                expected[currency] += amount - back
    with admin.transaction() as db:
        made = answer(db, create_snapshot(db, "November", NOVEMBER, admin).id)
    assert {
        currency: Decimal(net) for currency, net in made["header"]["totals"]["net_revenue"].items()
    } == {
        currency: net.quantize(Decimal(1)) if currency == "JPY" else net
        for currency, net in expected.items()
    }
    for dimension in ("closer", "setter", "source", "package"):
        for currency in ("USD", "EUR"):
            rows = [
                row
                for row in made["summaries"]
                if row["dimension"] == dimension and row["currency"] == currency
            ]
            assert sum(Decimal(row["net_revenue"]) for row in rows) == expected[currency]


def test_a_day_belongs_to_the_organisations_zone(admin):
    with as_system(admin.organization_id) as db:
        make.payment(
            db, admin.organization_id, "1.00", at=NOVEMBER.starts_at - timedelta(seconds=1)
        )
        make.payment(db, admin.organization_id, "2.00", at=NOVEMBER.starts_at)
        make.payment(db, admin.organization_id, "4.00", at=NOVEMBER.ends_at)
    with admin.transaction() as db:
        made = answer(db, create_snapshot(db, "November", NOVEMBER, admin).id)
    assert made["header"]["totals"]["cash_collected"] == {"USD": "2.00"}


@pytest.mark.parametrize(
    "statement",
    [
        "update app.payout_snapshots set name = 'other'",
        "update app.payout_snapshots set state = 'draft'",
        "update app.payout_snapshots set totals = '{}'",
        "delete from app.payout_snapshots",
        "update app.payout_snapshot_details set amount = 0",
        "delete from app.payout_snapshot_details",
        "delete from app.payout_snapshot_summaries",
        "update app.payout_snapshot_summaries set net_revenue = 0",
        (
            "insert into app.payout_snapshot_summaries (organization_id, snapshot_id, dimension,"
            " currency, payment_count, cash_collected, refunds, net_revenue) select"
            " organization_id, id, 'closer', 'USD', 1, 1, 0, 1 from app.payout_snapshots"
        ),
    ],
)
@pytest.mark.parametrize("role", ["admin", "system"])
def test_the_database_refuses_to_change_an_approved_payout(admin, statement, role):
    with as_system(admin.organization_id) as db:
        make.payment(db, admin.organization_id)
    snapshot_id = payout(admin)
    with admin.transaction() as db:
        approve(db, snapshot_id, admin)
        before = answer(db, snapshot_id)
    with (
        pytest.raises(DBAPIError),
        as_system(admin.organization_id) if role == "system" else admin.transaction() as db,
    ):
        db.execute(text(statement))
    with admin.transaction() as db:
        assert answer(db, snapshot_id) == before


def test_an_approved_payout_can_be_paid_and_nothing_else(admin):
    snapshot_id = payout(admin)
    with admin.transaction() as db:
        approve(db, snapshot_id, admin)
    with pytest.raises(Conflict), admin.transaction() as db:
        discard(db, snapshot_id, admin)
    with admin.transaction() as db:
        assert mark_paid(db, snapshot_id, admin).state == "paid"


def test_no_payment_is_paid_out_twice(admin):
    with as_system(admin.organization_id) as db:
        make.payment(db, admin.organization_id)
    first, second = (
        payout(admin),
        payout(admin, Period(date(2026, 11, 1), date(2026, 11, 15), "Europe/Copenhagen")),
    )
    with admin.transaction() as db:
        approve(db, first, admin)
    with pytest.raises(Conflict, match="has to begin after"), admin.transaction() as db:
        approve(db, second, admin)


def test_what_changed_since_is_shown(admin):
    with as_system(admin.organization_id) as db:
        payment = make.payment(db, admin.organization_id)
    snapshot_id = payout(admin)
    with admin.transaction() as db:
        assert changes_since(db, get_snapshot(db, snapshot_id), payout_bounds(db)).empty
    with as_system(admin.organization_id) as db:
        make.refund(db, payment, "97.00", at=payment.payment_date)
        make.payment(db, admin.organization_id, "5.00")
    with admin.transaction() as db:
        assert sorted(
            changes_since(db, get_snapshot(db, snapshot_id), payout_bounds(db))["what"]
        ) == ["changed", "new"]


@pytest.mark.parametrize("role", ["manager", "sales_rep", "viewer"])
def test_only_an_admin_approves(admin, role):
    snapshot_id, other = payout(admin), make.viewer(admin.organization_id, role)
    with pytest.raises(NotAllowed), other.transaction() as db:
        approve(db, snapshot_id, other)


def test_a_draft_reads_its_lines_once_after_writing_them(admin):
    with as_system(admin.organization_id) as db:
        make.payment(db, admin.organization_id, "5.00", at=NOON)
    with admin.transaction() as db, statements() as said:
        create_snapshot(db, "November", NOVEMBER, admin)
    assert len([each for each in said if "from app.payout_snapshot_details" in each]) == 1


@pytest.mark.parametrize(
    "change",
    [
        "update app.payout_snapshot_summaries set refunds = refunds + 1 where dimension = 'setter'",
        "delete from app.payout_snapshot_summaries where dimension = 'package'",
        "update app.payout_snapshots set totals = '{}'",
    ],
)
def test_a_draft_whose_sums_do_not_agree_is_not_approved(admin, change):
    with as_system(admin.organization_id) as db:
        make.payment(db, admin.organization_id, "5.00", at=NOON)
    draft = payout(admin)
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        db.execute(text(change))
    with admin.transaction() as db, pytest.raises(Conflict, match="does not add up"):
        approve(db, draft, admin)


ZONE = "Europe/Copenhagen"


@pytest.mark.parametrize(
    ("last", "day", "first_day", "last_day"),
    [
        (None, (2026, 11, 28), (2026, 10, 1), (2026, 10, 31)),
        (((2026, 9, 1), (2026, 10, 1)), (2026, 11, 28), (2026, 10, 1), (2026, 10, 31)),
        (((2026, 7, 1), (2026, 8, 11)), (2026, 11, 28), (2026, 8, 11), (2026, 10, 31)),
        (((2026, 10, 1), (2026, 11, 1)), (2026, 11, 28), (2026, 11, 1), (2026, 11, 30)),
        (((2026, 11, 1), (2026, 11, 16)), (2026, 11, 28), (2026, 11, 16), (2026, 11, 30)),
        (((2026, 11, 1), (2026, 12, 1)), (2026, 11, 28), (2026, 12, 1), (2026, 12, 31)),
        (((2025, 12, 1), (2026, 1, 1)), (2026, 1, 31), (2026, 1, 1), (2026, 1, 31)),
    ],
    ids=["first", "the next", "a gap", "up to date", "half a month", "ahead", "new year"],
)
@pytest.mark.parametrize("is_approved", [True, False], ids=["approved", "draft"])
def test_the_next_payout_is_suggested_from_the_end_of_the_last_through_the_last_whole_month(
    admin, last, day, first_day, last_day, is_approved
):
    with admin.transaction() as db:
        if last is not None:
            made = create_snapshot(db, "", Period(date(*last[0]), date(*last[1]), ZONE), admin)
            if is_approved:
                approve(db, made.id, admin)
        period = suggested_period(db, date(*day), ZONE)
        assert (period.start, period.end - timedelta(days=1)) == (date(*first_day), date(*last_day))
        assert overlap(period.start, payout_bounds(db)) is None


@pytest.mark.parametrize("ahead", range(0, 63, 7))
def test_what_is_suggested_after_a_payout_can_be_created(admin, ahead):
    end = today(ZONE) + timedelta(days=ahead)
    with admin.transaction() as db:
        create_snapshot(db, "", Period(end - timedelta(days=9), end, ZONE), admin)
        create_snapshot(db, "", suggested_period(db, today(ZONE), ZONE), admin)


def test_the_first_payout_is_suggested_from_the_day_on_which_payouts_start():
    admin = make.viewer(make.organization(payouts_start=date(2026, 8, 5)))
    with admin.transaction() as db:
        period = suggested_period(db, date(2026, 11, 28), ZONE)
    assert (period.start, period.end) == (date(2026, 8, 5), date(2026, 11, 1))
