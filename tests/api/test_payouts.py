"""Payouts over HTTP: who may freeze and look, sums to the cent, and what was approved stays as it
was.
"""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from core.money.models import PayoutSnapshot
from core.money.payout_tables import BATCH
from core.money.payouts import approve
from core.platform.advisory_locks import lock_books
from core.platform.database import as_system
from core.providers.connections import create_connection
from tests import factories as make
from tests.api.client import get, key_of, post, refused, token_of
from tests.factories import NOON

NOVEMBER = {"name": "November", "period_start": "2026-11-01", "period_end": "2026-12-01"}
SUMS = {"cash_collected": "amount", "refunds": "refund_amount", "net_revenue": "net_revenue"}


@pytest.fixture
def admin():
    return make.viewer(make.organization(), "admin")


def freeze(who, **changes):
    return post("/api/payout-snapshots", token_of(who), NOVEMBER | changes)


def pay(org, *amounts, **values):
    with as_system(org) as db:
        return [make.payment(db, org, amount, **values) for amount in amounts]


def test_a_snapshot_holds_header_summaries_and_details(admin):
    org = admin.organization_id
    with as_system(org) as db:
        ana, event = make.closer(db, org, "Ana"), make.event(db, org)
        paid = make.payment(
            db,
            org,
            "4997.00",
            refund_amount=Decimal("97.00"),
            closer_id=ana.id,
            event_id=event.id,
            processor="stripe",
            processor_payment_id="pi_1",
            customer_name="Lead One",
            attribution_method="email",
            attribution_reason="matched",
        )
        make.payment(db, org, "3.00", at=NOON + timedelta(hours=2), email=None)
    answer = freeze(admin)
    assert answer.status_code == 201
    made = answer.json()
    created_at = made["header"].pop("created_at")
    assert created_at.endswith("Z")
    assert made["header"] == {
        "id": made["id"],
        "name": "November",
        "state": "draft",
        "timezone": "Europe/Copenhagen",
        "period_start": "2026-11-01",
        "period_end": "2026-12-01",
        "payment_count": 2,
        "lines_sha256": None,
        "totals": {
            "cash_collected": {"USD": "5000.00"},
            "refunds": {"USD": "97.00"},
            "net_revenue": {"USD": "4903.00"},
        },
    }
    nobody = dict.fromkeys(
        ("setter_id", "setter_name", "source_id", "source_name", "package_id", "package_name")
    )
    assert made["details"][0].pop("id")
    assert made["details"][0] == nobody | {
        "kind": "payment",
        "reason_code": "payment",
        "reason": None,
        "line_date": "2026-11-04T13:00:00Z",
        "closer": "Ana",
        "setter": None,
        "cash": "4997.00",
        "corrects": [],
        "held_back": None,
        "held_before": None,
        "payment_id": str(paid.id),
        "payment_date": "2026-11-04T13:00:00Z",
        "customer_email": "lead.one@example.com",
        "customer_name": "Lead One",
        "processor": "stripe",
        "processor_payment_id": "pi_1",
        "currency": "USD",
        "amount": "4997.00",
        "refund_amount": "97.00",
        "net_revenue": "4900.00",
        "event_id": str(event.id),
        "closer_id": str(ana.id),
        "closer_name": "Ana",
        "attribution_method": "email",
        "attribution_reason": "matched",
    }
    assert [made["details"][1][name] for name in ("customer_email", "event_id", "closer_name")] == [
        None
    ] * 3
    assert [row for row in made["summaries"] if row["dimension"] == "closer"] == [
        {
            "dimension": "closer",
            "member_id": str(ana.id),
            "label": "Ana",
            "currency": "USD",
            "payment_count": 1,
            "cash_collected": "4997.00",
            "refunds": "97.00",
            "net_revenue": "4900.00",
        },
        {
            "dimension": "closer",
            "member_id": None,
            "label": None,
            "currency": "USD",
            "payment_count": 1,
            "cash_collected": "3.00",
            "refunds": "0.00",
            "net_revenue": "3.00",
        },
    ]
    again = get(f"/api/payout-snapshots/{made['id']}", token_of(admin)).json()
    assert again["details"][0].pop("id")
    assert again == made | {"header": made["header"] | {"created_at": created_at}}


def test_details_summaries_and_header_agree_to_the_cent_in_each_currency(admin):
    org = admin.organization_id
    with as_system(org) as db:
        ana = make.closer(db, org, "Ana").id
    for currency, amounts in (
        ("USD", ["0.01", "0.02", "99999.99"]),
        ("JPY", ["1", "500"]),
        ("KWD", ["0.001", "5.125"]),
    ):
        pay(org, *amounts, currency=currency, refund_amount=Decimal(amounts[0]))
        pay(org, *amounts, currency=currency, closer_id=ana, at=NOON + timedelta(days=3))
    made = freeze(admin).json()
    for total, column in SUMS.items():
        for currency, sum_of in made["header"]["totals"][total].items():
            details = [
                Decimal(row[column]) for row in made["details"] if row["currency"] == currency
            ]
            assert sum(details) == Decimal(sum_of)
            for dimension in ("closer", "setter", "source", "package"):
                rows = [
                    row
                    for row in made["summaries"]
                    if (row["dimension"], row["currency"]) == (dimension, currency)
                ]
                assert sum(Decimal(row[total]) for row in rows) == Decimal(sum_of)
    assert made["header"]["totals"]["cash_collected"] == {
        "JPY": "1002",
        "KWD": "10.252",
        "USD": "200000.04",
    }


def test_a_draft_says_before_its_approval_what_may_be_paid_twice_and_what_is_nobodys(admin):
    org = admin.organization_id
    with as_system(org) as db:
        ana, card = make.closer(db, org, "Ana"), create_connection(db, "stripe", "Main", "secret")
        event = make.event(db, org, ana)
        theirs = {"event_id": event.id, "closer_id": ana.id}
        make.payment(db, org, "4997.00", connection_id=card.id, **theirs)
        make.payment(db, org, "4996.00", **theirs)
        make.payment(db, org, "3.00", email=None)
    made = freeze(admin).json()
    path, asked = f"/api/payout-snapshots/{made['id']}", ("open_entries", "payments_without_closer")
    for answer in (made, get(path, token_of(admin)).json()):
        assert [answer[name] for name in asked] == [1, 1]
    approved = post(f"{path}/approve", token_of(admin)).json()
    assert [approved[name] for name in asked] == [1, 1]


def test_an_empty_period_is_an_empty_payout(admin):
    made = freeze(admin).json()
    assert (made["summaries"], made["details"], made["header"]["payment_count"]) == ([], [], 0)
    assert made["header"]["totals"] == {"cash_collected": {}, "refunds": {}, "net_revenue": {}}


@pytest.mark.parametrize(
    ("role", "freezes", "looks"),
    [
        ("owner", 201, 200),
        ("admin", 201, 200),
        ("manager", 403, 200),
        ("sales_rep", 403, 403),
        ("viewer", 403, 403),
    ],
)
def test_admins_freeze_managers_look(admin, role, freezes, looks):
    pay(admin.organization_id, "1")
    made = freeze(admin).json()["id"]
    who = make.viewer(admin.organization_id, role)
    assert (
        freeze(who).status_code,
        get(f"/api/payout-snapshots/{made}", token_of(who)).status_code,
    ) == (freezes, looks)


def test_a_program_with_a_key_freezes_and_looks(admin):
    key = key_of(admin.organization_id, "payouts")
    made = post("/api/payout-snapshots", key, NOVEMBER)
    assert made.status_code == 201
    assert get(f"/api/payout-snapshots/{made.json()['id']}", key).json() == made.json()


def test_another_organisations_payout_does_not_exist(admin):
    theirs = freeze(make.viewer(make.organization(), "admin")).json()["id"]
    for wanted in (theirs, uuid4(), "no-id"):
        assert refused(get(f"/api/payout-snapshots/{wanted}", token_of(admin))) == (
            404,
            "not_found",
            None,
        )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a\0"}, "name"),
        ({"period_start": None}, "period_start"),
        ({"period_start": "November"}, "period_start"),
        ({"period_start": 20261101}, "period_start"),
        ({"period_end": "2026-11-01"}, "period_end"),
        ({"period_end": []}, "period_end"),
        ({"period_start": "0001-01-01"}, "period_start"),
        ({"organization_id": "mine"}, "organization_id"),
        ({"organization_id": 5}, "organization_id"),
    ],
)
def test_a_payout_that_makes_no_sense_names_its_field(admin, changes, field):
    assert refused(freeze(admin, **changes)) == (422, "invalid_input", field)


def test_without_a_name_a_payout_is_called_by_its_days(admin):
    body = {key: NOVEMBER[key] for key in ("period_start", "period_end")}
    for sent in (body, body | {"name": None}):
        made = post("/api/payout-snapshots", token_of(admin), sent)
        assert (made.status_code, made.json()["header"]["name"]) == (201, "November 2026")


def test_a_caller_may_name_their_own_organisation_and_no_other(admin):
    other = make.organization()
    for caller in (token_of(admin), key_of(admin.organization_id, "payouts")):
        for org, status in ((admin.organization_id, 201), (other, 403), (uuid4(), 403)):
            sent = NOVEMBER | {"organization_id": str(org)}
            assert post("/api/payout-snapshots", caller, sent).status_code == status
    with as_system(other) as db:
        assert db.scalars(select(PayoutSnapshot)).all() == []


def test_a_mistyped_year_is_refused_over_http_when_the_payout_is_made(admin):
    refusal = freeze(admin, period_end="2062-12-01")
    assert refused(refusal) == (422, "invalid_input", "period_end")
    assert "ends on 30 Nov 2062" in refusal.json()["error"]["message"]


def test_a_payout_says_how_many_payments_have_no_closer(admin):
    pay(admin.organization_id, "1", "2")
    assert freeze(admin).json()["payments_without_closer"] == 2


def test_what_was_approved_stays_as_it_was_whatever_happens_to_its_payments(admin):
    org, [paid] = admin.organization_id, pay(admin.organization_id, "100")
    made = freeze(admin).json()
    with admin.transaction() as db:
        approve(db, made["id"], admin)
    pay(org, "50")
    with as_system(org) as db:
        make.refund(db, paid, "100", at=paid.payment_date)
    now_shown = get(f"/api/payout-snapshots/{made['id']}", token_of(admin)).json()
    fingerprint = now_shown["header"]["lines_sha256"]
    assert len(bytes.fromhex(fingerprint)) == 32
    approved = {"state": "approved", "lines_sha256": fingerprint}
    assert now_shown == made | {"header": made["header"] | approved}
    assert freeze(admin).json()["header"]["totals"] == {
        "cash_collected": {"USD": "50.00"},
        "refunds": {"USD": "100.00"},
        "net_revenue": {"USD": "-50.00"},
    }


def test_a_draft_is_approved_over_http_when_it_equals_the_present(admin):
    [paid] = pay(admin.organization_id, "100")
    made = freeze(admin).json()
    where = f"/api/payout-snapshots/{made['id']}"
    [late] = pay(admin.organization_id, "50")

    stale = post(f"{where}/approve", token_of(admin))
    assert stale.status_code == 409
    assert stale.json()["error"]["code"] == "conflict"
    assert stale.json()["error"]["differences"] == [
        {
            "payment_id": str(late.id),
            "what": "new",
            "reason": None,
            "currency": "USD",
            "net_then": None,
            "net_now": "50.00",
            "closer": None,
            "setter": None,
        }
    ]
    assert get(where, token_of(admin)).json()["header"]["state"] == "draft"

    again = freeze(admin).json()["id"]
    key = key_of(admin.organization_id, "payouts")
    approved = post(f"/api/payout-snapshots/{again}/approve", key)
    assert (approved.status_code, approved.json()["header"]["state"]) == (200, "approved")
    assert {row["payment_id"] for row in approved.json()["details"]} == {str(paid.id), str(late.id)}
    twice = post(f"/api/payout-snapshots/{again}/approve", key)
    assert (twice.status_code, twice.json()["error"]["differences"]) == (409, [])


def test_an_adjustment_over_http_names_its_amount_its_reason_and_the_line_it_corrects(admin):
    [paid] = pay(admin.organization_id, "4997.00", at=NOON - timedelta(days=5))
    october = freeze(admin, name="October 2026", period_start="2026-10-01", period_end="2026-11-01")
    assert post(f"/api/payout-snapshots/{october.json()['id']}/approve", token_of(admin)).is_success
    with as_system(admin.organization_id) as db:
        make.refund(db, paid, "4997.00", at=NOON + timedelta(days=1))

    [line] = freeze(admin).json()["details"]
    assert line["reason"] == (
        "refund of 5 Nov on a payment of 30 Oct, counted in October 2026: −$4,997.00"
    )
    assert {name: line[name] for name in ("kind", "amount", "refund_amount", "net_revenue")} == {
        "kind": "adjustment",
        "amount": "-4997.00",
        "refund_amount": "4997.00",
        "net_revenue": "-4997.00",
    }
    assert line["corrects"] == [row["id"] for row in october.json()["details"]]
    assert line["line_date"] == "2026-11-05T12:00:00Z"


@pytest.mark.parametrize("role", ["manager", "sales_rep", "viewer"])
def test_only_admins_approve_over_http(admin, role):
    made = freeze(admin).json()["id"]
    who = make.viewer(admin.organization_id, role)
    assert refused(post(f"/api/payout-snapshots/{made}/approve", token_of(who))) == (
        403,
        "not_allowed",
        None,
    )


def test_days_are_the_organisations_and_the_end_is_exclusive():
    admin = make.viewer(make.organization(timezone="Pacific/Auckland"), "admin")
    noon_utc = NOON.replace(hour=11)  # midnight in Auckland, in summer
    for at, amount in (
        (noon_utc - timedelta(seconds=1), "1"),
        (noon_utc, "2"),
        (noon_utc + timedelta(days=1), "4"),
    ):
        pay(admin.organization_id, amount, at=at)
    made = freeze(admin, period_start="2026-11-05", period_end="2026-11-06").json()
    assert [row["amount"] for row in made["details"]] == ["2.00"]


def test_a_payout_of_more_lines_than_are_read_at_a_time_is_one_answer(admin):
    org, together = admin.organization_id, BATCH + 1
    with as_system(org) as db:
        lock_books(db)
        db.execute(
            text("""
                insert into app.payments (organization_id, amount, currency, payment_date)
                select :org, n, 'USD', :noon + interval '1 second' * n
                  from generate_series(1, :together) n
            """),
            {"org": org, "noon": NOON, "together": together},
        )
    made = freeze(admin).json()
    assert [Decimal(row["amount"]) for row in made["details"]] == list(range(1, together + 1))
    assert made["header"]["payment_count"] == made["payments_without_closer"] == together
    again = get(f"/api/payout-snapshots/{made['id']}", token_of(admin)).json()
    assert again["details"] == made["details"]
