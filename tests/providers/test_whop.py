"""Whop's deliveries, of every generation, in whatever order and however often, become each payment
once.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from core.money.models import RefundStatus
from core.platform.clock import now
from core.providers.payloads import signed
from core.providers.values import Unreadable
from core.providers.whop import webhook
from core.providers.whop.payments import DISPUTE_STATES, DISPUTED, STATES
from tests import payloads as samples
from tests.examples import whole_histories
from tests.fakes.systems.whop import DISPUTE_STATES as PUBLISHED_DISPUTE_STATES
from tests.fakes.systems.whop import PAYMENT_STATES, PAYMENT_SUBSTATES, REFUND_STATES
from tests.providers.generations import whop_dispute, whop_legacy, whop_native, whop_refund
from tests.providers.history import PAYMENTS, History, shuffled

PAID = datetime(2026, 11, 2, 15, 4, 5, tzinfo=UTC)
SECRET = "ws_3f9a1c5e7b2d4806a1b3c5d7e9f01234"


def native(key="A", total="4997.00", email="lead.one@example.com", at=PAID, **values):
    return samples.whop_payment(key, total, email, at, **values)


def legacy(key="A", status="paid", **values):
    said = {
        "id": f"pay_{key}",
        "status": status,
        "substatus": "succeeded",
        "created_at": "2026-11-02T15:04:00.401Z",
        "updated_at": "2026-11-02T15:04:05.100Z",
        "paid_at": "2026-11-02T15:04:05.000Z",
        "currency": "usd",
        "total": 4997.0,
        "user": {"id": "user_A", "name": "Lead One", "email": "lead.one@example.com"},
        "membership": {"id": "mem_A", "status": "completed"},
        "company": {"id": "biz_sample"},
        "billing_reason": "one_time",
        "refunded_amount": 0.0,
        "product": {"title": "Core"},
    } | values
    kind = "payment.succeeded" if status == "paid" else "payment.failed"
    return {
        "id": f"msg_{key}{status}",
        "api_version": "v1",
        "timestamp": "2026-11-02T15:04:06.000Z",
        "type": kind,
        "data": said,
        "company_id": "biz_sample",
        "api_version_date": None,
    }


def v5(key="A", **values):
    said = {
        "id": f"pay_{key}",
        "membership_id": "mem_A",
        "company_id": "biz_sample",
        "created_at": 1793631840,
        "paid_at": 1793631845,
        "status": "paid",
        "final_amount": 4997,
        "currency": "usd",
        "refunded_amount": 0,
    } | values
    return {"action": "payment.succeeded", "api_version": "v5", "data": said}


def refund(number, amount, status="succeeded", minutes=0):
    at = (PAID + timedelta(minutes=minutes)).isoformat()
    return {
        "id": f"msg_r{number}{status}",
        "api_version": "v1",
        "timestamp": at,
        "type": "refund.updated",
        "company_id": "biz_sample",
        "data": {
            "id": f"rf_{number}",
            "amount": amount,
            "currency": "usd",
            "status": status,
            "created_at": PAID.isoformat(),
            "payment": {"id": "pay_A"},
        },
    }


def test_the_secret_is_used_literally_as_the_official_verifier_does():
    body, headers = signed("whop", native(), SECRET)
    Webhook(SECRET.encode()).verify(body, headers)
    webhook.verify(headers, body, SECRET, now())


@pytest.mark.parametrize("payload", [native(), legacy(), v5()], ids=["native", "legacy", "v5"])
def test_every_generation_books_the_same_money(payload):
    history = History("whop", account="biz_sample")
    history.deliver(payload)
    [row] = history.rows(PAYMENTS)
    assert (row["processor_payment_id"], row["amount"], row["currency"], row["counts"]) == (
        "pay_A",
        Decimal("4997.000"),
        "USD",
        True,
    )


def test_a_generation_without_an_address_does_not_lose_one_that_is_known():
    history = History("whop")
    history.deliver(native(), v5())
    assert [row["customer_email_normalized"] for row in history.rows(PAYMENTS)] == [
        "lead.one@example.com"
    ]


def test_another_account_is_not_booked():
    history = History("whop", account="biz_other")
    [outcome] = history.deliver(native())
    assert "another Whop account" in outcome.ignored
    assert history.rows(PAYMENTS) == []


def test_a_membership_is_no_money():
    [outcome] = History("whop").deliver(
        {"type": "membership.activated", "data": {"id": "mem_A", "initial_price_paid": "$4,997.00"}}
    )
    assert outcome.ignored


STORY = [
    legacy(status="open", updated_at="2026-11-02T15:09:05.100Z", failure_message="declined"),
    native(),
    legacy(),
    v5(),
    refund(1, 1000.0, "pending"),
    refund(1, 1000.0, "failed", 9),
    refund(2, 500.0, minutes=3),
    native("B", "300.00", membership="mem_1", reason="subscription_create"),
    native(
        "C", "300.00", at=PAID + timedelta(days=30), membership="mem_1", reason="subscription_cycle"
    ),
]


def told(deliveries, size=1):
    history = History("whop")
    history.deliver(*deliveries, size=size)
    return history.rows(PAYMENTS)


def test_a_late_failure_does_not_undo_a_paid_payment_and_failed_refunds_do_not_count():
    by_key = {row["processor_payment_id"]: row for row in told(STORY)}
    assert (by_key["pay_A"]["status"], by_key["pay_A"]["net_revenue"]) == (
        "succeeded",
        Decimal("4497.000"),
    )
    assert by_key["pay_C"]["deal_type"] == "renewal"


@cache
def in_order():
    return told(STORY)


@whole_histories()
@given(
    order=st.permutations(range(len(STORY))),
    repeated=st.lists(st.integers(0, len(STORY) - 1), max_size=5),
    size=st.integers(1, len(STORY) + 5),
)
def test_any_order_repetition_and_size_of_batches_gives_the_same_payments(order, repeated, size):
    assert told(shuffled(STORY, order, repeated), size) == in_order()


@pytest.mark.parametrize(
    ("status", "disputed", "net"),
    [
        ("needs_response", True, "997"),
        ("warning_needs_response", True, "997"),
        ("a_state_of_next_year", True, "997"),
        ("lost", True, "0"),
        ("won", False, "997"),
        ("warning_closed", False, "997"),
        ("closed", False, "997"),
    ],
)
def test_a_dispute_is_flagged_and_subtracted_only_when_it_is_lost(status, disputed, net):
    history = History("whop")
    outcomes = history.deliver(
        whop_dispute("needs_response"), whop_legacy(), whop_dispute(status, 180)
    )
    [row] = history.rows(PAYMENTS)
    assert (row["disputed"], row["net_revenue"]) == (disputed, Decimal(net))
    assert [bool(outcome.ignored) for outcome in outcomes] == [True, False, False]
    [shown] = history.rows("select dispute_status from app.payments")
    assert shown["dispute_status"] == status


def test_a_dispute_inside_an_older_payment_is_the_same_one():
    lost = {"id": "dspt_A", "amount": 997.0, "currency": "usd", "status": "lost"}
    history = History("whop")
    history.deliver(
        whop_dispute("needs_response"),
        whop_legacy(updated_at="2026-12-01T00:00:00Z", disputes=[lost]),
    )
    assert history.rows("select kind, amount, status from app.refunds") == [
        {"kind": "dispute", "amount": Decimal(997), "status": "succeeded"}
    ]


def test_an_alert_is_no_dispute_yet():
    [outcome] = History("whop").deliver({"type": "dispute_alert.created", "data": {"id": "dspa_A"}})
    assert outcome.ignored == "“dispute_alert.created” is not about money"


def test_a_refund_that_comes_over_a_replaced_connection_finds_its_payment():
    history = History("whop")
    history.deliver(whop_legacy())
    history.replace_connection()
    history.deliver(whop_refund(amount=997.0))
    [row] = history.rows(PAYMENTS)
    assert (row["amount"], row["net_revenue"]) == (997, 0)


def test_what_comes_over_two_connections_is_counted_once():
    history = History("whop")
    history.deliver(whop_native(), whop_refund())
    history.replace_connection()
    history.deliver(whop_native(), whop_refund())
    [row] = history.rows(PAYMENTS)
    assert (row["amount"], row["net_revenue"]) == (997, 897)


def test_instalments_over_a_replaced_connection_follow_the_first_payment():
    history = History("whop")
    history.deliver(native("B", "300.00", membership="mem_1"))
    history.replace_connection()
    history.deliver(native("C", "300.00", at=PAID + timedelta(days=30), membership="mem_1"))
    assert [row["deal_type"] for row in history.rows(PAYMENTS)] == ["new_deal", "renewal"]


def test_a_second_refund_after_a_failed_one_is_known_by_the_running_total():
    def refunded(minutes, total):
        at = (PAID + timedelta(minutes=minutes)).isoformat()
        return legacy(updated_at=at, refunded_amount=total)

    history = History("whop")
    history.deliver(refunded(10, 1000.0), refund(1, 1000.0, "failed", 20), refunded(30, 1000.0))
    assert [row["refund_amount"] for row in history.rows(PAYMENTS)] == [1000]
    assert [row["refund_amount"] for row in told([refunded(10, 1000.0)])] == [1000]
    late = told([refund(1, 1000.0, "failed", 20), refunded(10, 1000.0)])
    assert [row["refund_amount"] for row in late] == [0]


def test_the_first_money_after_a_trial_is_a_new_deal_whatever_whop_calls_it():
    trial = native("T", "0.00", membership="mem_1", reason="subscription_create")
    later = PAID + timedelta(days=14)
    paid = native("U", "300.00", at=later, membership="mem_1", reason="subscription_cycle")
    assert [row["deal_type"] for row in told([paid, trial])] == ["new_deal"]


def test_renewals_are_told_again_when_an_earlier_payment_comes_late():
    second = native("C", "300.00", at=PAID + timedelta(days=30), membership="mem_1")
    first = native("B", "300.00", membership="mem_1")
    assert [row["deal_type"] for row in told([second])] == ["new_deal"]
    assert [row["deal_type"] for row in told([second, first])] == ["new_deal", "renewal"]


@pytest.mark.parametrize("total", [1234.5600000000001, "1234.5600000000001", 1234.56])
def test_the_noise_of_a_float_is_no_money(total):
    [row] = told([legacy(total=total)])
    assert row["amount"] == Decimal("1234.56")


def test_a_payment_without_dates_is_dated_by_its_arrival():
    history = History("whop")
    before = now()
    sent = {
        "action": "payment.succeeded",
        "data": {"id": "pay_F", "membership": "mem_F", "status": "paid", "final_amount": 2000}
        | {"currency": "usd", "user": {"id": "user_F", "email": "lead.one@example.com"}},
    }
    history.deliver(sent, sent)
    [row] = history.rows("select amount, payment_date, membership_key from app.payments")
    assert (row["amount"], row["membership_key"]) == (2000, "mem_F")
    assert before <= row["payment_date"] <= now()


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-02T15:04:05.000Z",
        "2026-11-02 15:04:05 UTC",
        1793631845,
        "1793631845",
        1793631845000,
    ],
)
def test_a_moment_is_read_in_any_of_its_forms(moment):
    history = History("whop")
    history.deliver(legacy(paid_at=moment))
    assert history.rows("select payment_date from app.payments") == [{"payment_date": PAID}]


@pytest.mark.parametrize("total", ["a lot", "NaN", True, -5.0, 1e300])
def test_an_amount_that_cannot_be_understood_is_set_aside_with_a_sentence(total):
    with pytest.raises(Unreadable, match=r"the total “.*” is"):
        History("whop").deliver(legacy(total=total))


@pytest.mark.parametrize("status", sorted(PAYMENT_STATES | {"a_state_of_next_year"}))
def test_a_payment_in_any_state_is_shown(status):
    history = History("whop")
    history.deliver(legacy(status=status, failure_message=None))
    [row] = history.rows(PAYMENTS)
    assert row["counts"] == (status == "paid")
    [line] = history.rows("select summary from app.activities where subject_type = 'payment'")
    assert ("a_state_of_next_year" in line["summary"]) == (status == "a_state_of_next_year")


def test_every_state_that_whop_publishes_is_known():
    assert set(STATES) == PAYMENT_STATES
    assert set(DISPUTE_STATES) == PUBLISHED_DISPUTE_STATES
    assert {str(status) for status in RefundStatus} == REFUND_STATES
    assert PAYMENT_SUBSTATES >= DISPUTED


@pytest.mark.parametrize("end_first", [False, True])
def test_the_end_of_a_membership_stands_on_its_payments_in_any_order(end_first):
    ended = {
        "type": "membership.deactivated",
        "timestamp": "2026-12-01T00:00:00Z",
        "data": {"id": "mem_A", "status": "canceled"},
    }
    history = History("whop")
    history.deliver(*([ended, legacy()] if end_first else [legacy(), ended]))
    lines = history.rows("select at from app.activities where type = 'membership_ended'")
    assert lines == [{"at": datetime(2026, 12, 1, tzinfo=UTC)}]


def test_an_amount_of_more_decimals_than_any_is_set_aside_and_not_written_out():
    sent = whop_legacy()
    sent["data"] = {**sent["data"], "total": "1e-400000000", "currency": None}
    with pytest.raises(Unreadable, match="too small"):
        History("whop").deliver(sent)
