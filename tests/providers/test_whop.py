"""Whop's deliveries, of every generation, in whatever order and however often, become each payment
once.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from core.platform.clock import now
from core.providers.payloads import signed
from core.providers.whop import webhook
from tests import payloads as samples
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


def told(deliveries):
    history = History("whop")
    history.deliver(*deliveries)
    return history.rows(PAYMENTS)


def test_a_late_failure_does_not_undo_a_paid_payment_and_failed_refunds_do_not_count():
    by_key = {row["processor_payment_id"]: row for row in told(STORY)}
    assert (by_key["pay_A"]["status"], by_key["pay_A"]["net_revenue"]) == (
        "succeeded",
        Decimal("4497.000"),
    )
    assert by_key["pay_C"]["deal_type"] == "renewal"


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    order=st.permutations(range(len(STORY))),
    repeated=st.lists(st.integers(0, len(STORY) - 1), max_size=5),
)
def test_any_order_and_any_repetition_gives_the_same_payments(order, repeated):
    assert told(shuffled(STORY, order, repeated)) == told(STORY)
