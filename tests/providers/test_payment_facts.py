"""What was true of a payment, a refund or a dispute when it came about stays so, whatever is
delivered later about something else, and in whatever order it comes.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.deliveries.moments import instant, written
from core.platform.clock import now
from core.platform.database import as_system
from tests import factories as make
from tests import payloads as samples
from tests.providers.generations import whop_dispute, whop_legacy, whop_native, whop_refund
from tests.providers.history import History

PAID = datetime(2026, 11, 4, 18, tzinfo=UTC)
LEAD = "lead.one@example.com"
CUSTOMER = {
    "id": "cus_sample",
    "object": "customer",
    "email": LEAD,
    "name": "Lead One",
    "livemode": True,
}
REFUNDS = """
    select kind, amount, refunded_at from app.refunds where status not in ('failed', 'canceled')
     order by refunded_at, amount
"""
WHO = """
    select processor_payment_id as key, customer_email_normalized as email, customer_name as name,
      payment_date as at from app.payments order by 1
"""


def at(days=0, minutes=0):
    return PAID + timedelta(days=days, minutes=minutes)


def iso(moment):
    return moment.isoformat()


def customer(days, **changes):
    return samples.stripe_event("customer.updated", CUSTOMER | changes, at(days))


def charge(days=0, key="A", *, email=None, refunded=0, when=PAID, **more):
    made = samples.stripe_charge(key, 499700, email, when, refunded=refunded) | more
    return samples.stripe_event("charge.updated", made, at(days))


def refund(number, amount, days):
    made = samples.stripe_refund("A", number, amount, at(days))
    return samples.stripe_event("refund.created", made, at(days))


def after(provider, query, *deliveries):
    history = History(provider)
    history.deliver(*deliveries)
    return history.rows(query)


def in_any_order(provider, query, *deliveries):
    """The rows, which are the same whatever the order of the deliveries: each of them comes first,
    and last, forwards and backwards.
    """
    numbers = range(len(deliveries))
    turned = [(*numbers[n:], *numbers[:n]) for n in numbers]
    orders = {order[::way] for order in turned for way in (1, -1)}  # of two, each comes up twice
    found = [after(provider, query, *map(deliveries.__getitem__, order)) for order in orders]
    assert all(each == found[0] for each in found)
    return found[0]


def test_a_later_address_of_the_customer_does_not_change_what_was_paid_under_the_old_one():
    moved = customer(9, email="new@example.com", name="Lead Married")
    nobody = {"billing_details": {"email": None, "name": None}}
    deliveries = [
        charge(customer=CUSTOMER, **nobody),
        moved,
        charge(10, "B", when=at(10), **nobody),
    ]
    rows = in_any_order("stripe", WHO, *deliveries)
    assert [(row["key"], row["email"], row["name"]) for row in rows] == [
        ("pi_A", LEAD, "Lead One"),
        ("pi_B", "new@example.com", "Lead Married"),
    ]


def test_a_customer_with_the_old_address_again_pays_under_it():
    states = [customer(-9), customer(5, email="new@example.com"), customer(20)]
    late = charge(30, "B", when=at(30))
    rows = in_any_order("stripe", WHO, *states, late)
    assert [row["email"] for row in rows] == [LEAD]


def test_a_payment_keeps_its_closer_when_the_customer_changes_the_address():
    history = History("stripe")
    with as_system(history.org) as db:
        make.event(db, history.org, make.closer(db, history.org, "Ana"), at=at(-1))
    history.deliver(charge(customer=CUSTOMER), customer(9, email="new@example.com"))
    closers = "select c.name from app.payments p join app.closers c on c.id = p.closer_id"
    assert history.rows(closers) == [{"name": "Ana"}]


def test_a_receipt_that_is_sent_to_somebody_else_later_does_not_say_who_paid():
    office = charge(5, receipt_email="office@example.com")
    for deliveries in ([charge(customer=CUSTOMER), office], [charge(receipt_email=LEAD), office]):
        [row] = in_any_order("stripe", WHO, *deliveries)
        assert row["email"] == LEAD
    [row] = after("stripe", WHO, charge(), office)  # nobody else is known
    assert row["email"] == "office@example.com"


@pytest.mark.parametrize(("days", "refunded"), [(4, 0), (18, 100000)], ids=["debit", "refunded"])
def test_the_receipt_of_a_payment_that_is_first_seen_late_says_who_paid(days, refunded):
    firm = customer(-1, email="billing@firm.example")
    nobody = {"billing_details": {"email": None, "name": "Lead"}, "customer": "cus_sample"}
    seen = charge(days, receipt_email=LEAD, refunded=refunded, **nobody)
    [row] = in_any_order("stripe", WHO, firm, seen)
    assert row["email"] == LEAD


def test_a_refund_of_what_was_released_that_fails_gives_nothing_back():
    captured = {"amount": 10000, "amount_captured": 6000}
    made = samples.stripe_refund("A", 1, 4000, at(2)) | {"balance_transaction": None}
    pending = samples.stripe_event("refund.created", made | {"status": "pending"}, at(2))
    failed = samples.stripe_event("refund.failed", made | {"status": "failed"}, at(5))
    totals = [charge(refunded=4000, **captured), charge(2, refunded=8000, **captured)]
    rows = in_any_order("stripe", REFUNDS, *totals, pending)
    assert [row["amount"] for row in rows] == [40]
    assert in_any_order("stripe", REFUNDS, *totals, pending, failed) == []


def test_a_later_delivery_of_whop_does_not_change_address_name_and_date_of_a_payment():
    user = {"id": "user_A", "name": "Lead Married", "email": "new@example.com"}
    for first, later in (
        (whop_legacy(), whop_legacy(updated_at=iso(at(9)), user=user, refunded_amount=100.0)),
        (whop_native(), whop_native(updated_at=iso(at(9)), customer_email="new@example.com")),
    ):
        [row] = in_any_order("whop", WHO, first, later)
        assert (row["email"], row["at"]) == (LEAD, PAID)
        assert row["name"] in ("Lead One", "Lead Two")


def test_a_payment_of_whop_without_a_date_of_its_own_is_dated_when_it_was_first_paid():
    def sent(days, **values):
        made = whop_legacy(paid_at=None, updated_at=None, created_at=None, **values)
        return made | {"timestamp": iso(at(days))}

    deliveries = [sent(0, status="open"), sent(1), sent(9, refunded_amount=100.0)]
    [row] = in_any_order("whop", WHO, *deliveries)
    assert row["at"] == at(1)


def test_each_rise_of_stripes_running_total_is_a_refund_of_the_moment_at_which_it_was_reported():
    totals = [charge(5, refunded=100000), charge(15, refunded=150000), charge(40, refunded=150000)]
    assert in_any_order("stripe", REFUNDS, charge(), *totals) == [
        {"kind": "refund", "amount": Decimal(1000), "refunded_at": at(5)},
        {"kind": "refund", "amount": Decimal(500), "refunded_at": at(15)},
    ]


def test_a_refund_that_is_reported_by_itself_leaves_the_others_of_the_total_where_they_are():
    totals = [charge(5, refunded=100000), charge(15, refunded=150000)]
    for single in (refund(1, 100000, 5), refund(2, 50000, 15)):
        assert in_any_order("stripe", REFUNDS, charge(), *totals, single) == [
            {"kind": "refund", "amount": Decimal(1000), "refunded_at": at(5)},
            {"kind": "refund", "amount": Decimal(500), "refunded_at": at(15)},
        ]


def test_a_refund_stays_the_same_row_when_it_is_reported_by_itself():
    history = History("stripe")
    history.deliver(charge(), charge(5, refunded=100000))
    [before] = history.rows("select id, refunded_at from app.refunds")
    history.deliver(refund(1, 100000, 5))
    named = "select id, refunded_at, processor_refund_id from app.refunds"
    assert history.rows(named) == [before | {"processor_refund_id": "re_A1"}]


def test_a_total_that_is_taken_back_takes_back_its_latest_rise():
    totals = [charge(5, refunded=100000), charge(15, refunded=150000), charge(20, refunded=100000)]
    assert in_any_order("stripe", REFUNDS, charge(), *totals) == [
        {"kind": "refund", "amount": Decimal(1000), "refunded_at": at(5)},
    ]


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_refund_that_fails_takes_its_total_down_once_whichever_is_dated_first(seconds):
    failed = samples.stripe_refund("A", 1, 30000, at(5)) | {"status": "failed"}
    lower = samples.stripe_charge("A", 499700, None, PAID, refunded=70000)
    story = [
        charge(5, refunded=100000),
        samples.stripe_event("refund.failed", failed, at(9)),
        samples.stripe_event("charge.updated", lower, at(9) + timedelta(seconds=seconds)),
    ]
    rows = in_any_order("stripe", "select net_revenue from app.payments", charge(), *story)
    assert rows == [{"net_revenue": 4297}]


@pytest.mark.parametrize("dated", [True, False])
def test_each_rise_of_whops_running_total_is_a_refund_of_its_own_moment(dated):
    def total(days, amount):
        when = {"refunded_at": iso(at(days))} if dated else {}
        return whop_legacy(updated_at=iso(at(days)), refunded_amount=amount, **when)

    states = [total(5, 100.0), total(15, 150.0)]
    again = whop_legacy(updated_at=iso(at(40)), refunded_amount=150.0, refunded_at=iso(at(15)))
    assert in_any_order("whop", REFUNDS, whop_legacy(), *states, again) == [
        {"kind": "refund", "amount": Decimal(100), "refunded_at": at(5)},
        {"kind": "refund", "amount": Decimal(50), "refunded_at": at(15)},
    ]


def test_a_second_refund_is_not_dated_by_the_first_one():
    first = whop_legacy(updated_at=iso(at(5)), refunded_amount=100.0, refunded_at=iso(at(5)))
    second = whop_legacy(updated_at=iso(at(15)), refunded_amount=150.0, refunded_at=iso(at(5)))
    assert [row["refunded_at"] for row in in_any_order("whop", REFUNDS, first, second)] == [
        at(5),
        at(15),
    ]


def test_a_dispute_of_whop_is_lost_when_that_was_first_reported():
    minutes = [120, 600, 5000]
    lost = [whop_dispute("lost", each) for each in minutes]
    opened = whop_dispute("needs_response", 60)
    assert in_any_order("whop", REFUNDS, whop_legacy(), opened, *lost[1:]) == [
        {"kind": "dispute", "amount": Decimal(997), "refunded_at": at(0, 600)}
    ]


@pytest.mark.parametrize("inner", ["disputes", "refunds"])
def test_what_older_payments_carry_inside_is_dated_by_the_first_of_them(inner):
    state = {"disputes": "lost", "refunds": "succeeded"}[inner]
    thing = {"id": "x_A", "amount": 997.0, "currency": "usd", "status": state}

    def seen(days):
        made = whop_legacy(updated_at=iso(at(days)), **{inner: [thing]})
        return made | {"timestamp": iso(at(days))}

    rows = in_any_order("whop", REFUNDS, whop_legacy(), seen(5), seen(15))
    assert [(row["amount"], row["refunded_at"]) for row in rows] == [(997, at(5))]


def test_a_refund_of_whop_without_a_date_is_dated_when_it_was_first_reported():
    sent = [whop_refund(minutes=minutes, created_at=None) for minutes in (60, 600, 6000)]
    rows = in_any_order("whop", REFUNDS, whop_legacy(), *sent)
    assert [row["refunded_at"] for row in rows] == [at(0, 60)]


def v5(kind="payment", **values):
    """A delivery of the oldest generation, which never says when a thing was in its state."""
    paid = int(PAID.timestamp())
    money = {"id": "pay_A", "status": "paid", "final_amount": 997, "paid_at": paid}
    other = {"payment_id": "pay_A", "amount": 997, "created_at": paid}
    said = {"currency": "usd"} | (money if kind == "payment" else other) | values
    return {"action": f"{kind}.updated", "api_version": "v5", "data": said}


def total(days, amount, **values):
    return whop_legacy(updated_at=iso(at(days)), refunded_amount=amount, **values)


def unix(days):
    return int(at(days).timestamp())


UNDATED = whop_refund(created_at=None)
ONE_REFUND_OF_WHOP = {
    "it is delivered again, and says no date": [
        UNDATED,
        whop_legacy(updated_at=iso(at(0, 61)), refunded_amount=100.0),
        whop_refund(minutes=600, created_at=None),
    ],
    "the total is of the same second": [
        v5(refunded_amount=100, refunded_at=unix(5)),
        whop_refund(created_at=f"{iso(at(5))[:19]}.401Z"),
    ],
    "the payment was written a moment earlier": [
        total(5, 100.0),
        whop_refund(created_at=f"{iso(at(5))[:19]}.401Z"),
    ],
    "it is inside a payment that was sent later": [
        total(5, 100.0, refunds=[{"id": "rf_A", "amount": 100.0, "status": "succeeded"}])
        | {"timestamp": iso(at(5, 9))}
    ],
    "it is inside its payment, and says no state": [
        total(5, 100.0, refunds=[{"id": "rf_A", "amount": 100.0, "created_at": iso(at(5))}])
    ],
    "the total keeps the date of the refund before it": [
        v5(refunded_amount=100, refunded_at=unix(1)),
        whop_refund(created_at=iso(at(5))),
    ],
}


@pytest.mark.parametrize("story", ONE_REFUND_OF_WHOP.values(), ids=ONE_REFUND_OF_WHOP.keys())
def test_a_refund_of_whop_is_one_however_its_dates_are_said(story):
    rows = in_any_order("whop", REFUNDS, whop_legacy(), *story)
    assert [row["amount"] for row in rows] == [100]


def test_a_refund_that_failed_hides_no_later_one_when_it_is_reported_again():
    failed = [whop_refund("failed", minutes) for minutes in (120, 90000)]
    story = [whop_refund(), failed[0], total(5, 30.0), failed[1]]
    rows = in_any_order("whop", REFUNDS, whop_legacy(), *story)
    assert [(row["amount"], row["refunded_at"]) for row in rows] == [(30, at(5))]


@pytest.mark.parametrize("final", ["lost", "won"])
@pytest.mark.parametrize("says_version", [True, False])
def test_a_dispute_of_whop_without_dates_ends(final, says_version):
    def dispute(status):
        made = v5("dispute", id="dspt_A", status=status)
        return made if says_version else {name: made[name] for name in ("action", "data")}

    states = [dispute(each) for each in ("needs_response", "under_review", final)]
    rows = in_any_order("whop", "select disputed, net_revenue from app.payments", v5(), *states)
    assert rows == [{"disputed": final == "lost", "net_revenue": 0 if final == "lost" else 997}]


def test_a_loss_that_whop_does_not_date_is_of_the_day_on_which_it_became_known():
    lost = v5("dispute", id="dspt_A", status="lost")
    [row] = after("whop", REFUNDS, v5(), lost, lost)
    assert row["refunded_at"].date() == now().date()


def test_the_address_of_whops_best_shape_counts_whichever_is_dated_earlier():
    v2 = {"action": "payment.succeeded", "api_version": "v2"}
    account = {
        "id": "pay_A",
        "status": "paid",
        "final_amount": 997,
        "currency": "usd",
        "paid_at": unix(0) - 1,
        "membership": {"id": "mem_A", "email": "whop@account.example"},
    }
    changed = whop_native(updated_at=iso(at(9)), customer_email="new@example.com")
    [row] = in_any_order("whop", WHO, whop_native(), v2 | {"data": account}, changed)
    assert row["email"] == LEAD


def test_a_payment_of_whop_is_not_dated_by_its_making_where_its_paying_is_known():
    opened = v5(paid_at=None, created_at=unix(-6))
    [row] = in_any_order("whop", WHO, whop_native(), opened)
    assert row["at"] == PAID
    [row] = after("whop", WHO, opened)
    assert row["at"] == at(-6)


@pytest.mark.parametrize(
    ("provider", "deliveries", "kinds"),
    [
        (
            "stripe",
            [charge(5, refunded=1000, customer=CUSTOMER), refund(1, 1000, 5)],
            {"first", "charge at a time", "customer at a time"},
        ),
        (
            "whop",
            [whop_native(refunded_amount="10.00", updated_at=iso(at(5))), whop_refund()],
            {"first", "total at a time"},
        ),
    ],
)
def test_what_was_so_at_a_moment_is_dated_in_one_form(provider, deliveries, kinds):
    moments = """
        select kind, external_id, data ->> 'at' as at from app.provider_objects
         where kind = 'first' or kind like '% at a time'
    """
    rows = after(provider, moments, *deliveries)
    assert {row["kind"] for row in rows} == kinds
    assert [row for row in rows if written(instant(row["at"])) != row["at"]] == []
    passing = [row for row in rows if row["kind"] != "first"]
    assert [row for row in passing if not row["external_id"].endswith(row["at"])] == []
