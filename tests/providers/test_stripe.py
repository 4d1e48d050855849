"""Stripe's deliveries, in whatever order and however often, become each payment once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import stripe as official
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.platform.database import as_system
from core.providers.payloads import signed
from tests import factories as make
from tests import payloads as samples
from tests.providers.history import PAYMENTS, History, shuffled

PAID = datetime(2026, 11, 4, 18, tzinfo=UTC)
SECRET = "whsec_test_5f1c0b9a7d2e4c63"


def event(kind, thing, minutes=0, **more):
    return samples.stripe_event(kind, thing, PAID + timedelta(minutes=minutes)) | more


def intent(key="A", amount=499700, **more):
    return event("payment_intent.succeeded", samples.stripe_intent(key, amount, PAID) | more, 1)


def charge(key="A", amount=499700, email="lead.one@example.com", minutes=1, **more):
    return event(
        "charge.succeeded", samples.stripe_charge(key, amount, email, PAID) | more, minutes
    )


def payment(*payloads, **settings_):
    history = History("stripe", **settings_)
    outcomes = history.deliver(*payloads)
    return history.rows(PAYMENTS), outcomes


def test_our_samples_satisfy_stripes_own_library():
    body, headers = signed("stripe", intent(), SECRET)
    assert (
        official.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)["type"]
        == "payment_intent.succeeded"
    )


def test_one_purchase_is_one_payment_however_many_events_describe_it():
    session = {
        "id": "cs_A",
        "object": "checkout.session",
        "payment_intent": "pi_A",
        "payment_status": "paid",
        "customer_email": None,
        "customer_details": {"email": "buyer@example.com", "name": "Buyer"},
    }
    [row], _ = payment(
        intent(), charge(email=None), event("checkout.session.completed", session, 2)
    )
    assert (row["amount"], row["currency"], row["customer_email_normalized"]) == (
        Decimal("4997.000"),
        "USD",
        "buyer@example.com",
    )


def test_an_authorisation_is_not_cash_until_it_is_captured():
    [row], _ = payment(charge(captured=False, amount_captured=0))
    assert (row["status"], row["counts"]) == ("pending", False)
    [row], _ = payment(
        charge(captured=False, amount_captured=0), charge(amount_captured=300000, minutes=5)
    )
    assert (row["amount"], row["counts"]) == (Decimal("3000.000"), True)


def test_test_mode_is_acknowledged_and_never_booked():
    rows, [outcome] = payment(intent() | {"livemode": False})
    assert rows == []
    assert "test mode" in outcome.ignored


def test_a_refund_that_failed_raises_net_revenue_again():
    refund = samples.stripe_refund("A", 1, 100000, PAID)
    rows, _ = payment(
        charge(),
        event("refund.created", refund, 2),
        event(
            "charge.refunded",
            samples.stripe_charge("A", 499700, "lead.one@example.com", PAID, refunded=100000),
            2,
        ),
    )
    assert rows[0]["net_revenue"] == Decimal("3997.000")
    rows, _ = payment(
        charge(),
        event("refund.created", refund, 2),
        event("refund.failed", refund | {"status": "failed"}, 9),
    )
    assert rows[0]["net_revenue"] == Decimal("4997.000")


def test_the_charges_running_total_counts_when_the_refunds_themselves_are_not_known():
    first = samples.stripe_charge("A", 499700, None, PAID, refunded=100000)
    second = samples.stripe_charge("A", 499700, None, PAID, refunded=150000)
    rows, _ = payment(
        charge(), event("charge.refunded", second, 9), event("charge.refunded", first, 5)
    )
    assert rows[0]["refund_amount"] == Decimal("1500.000")


def dispute(status, minutes):
    thing = {
        "id": "dp_A",
        "object": "dispute",
        "amount": 499700,
        "charge": "ch_A",
        "payment_intent": "pi_A",
        "currency": "usd",
        "created": int(PAID.timestamp()),
        "reason": "fraudulent",
        "status": status,
    }
    return event("charge.dispute.created", thing, minutes)


@pytest.mark.parametrize(
    ("status", "disputed", "net"),
    [("needs_response", True, "4997"), ("lost", True, "0"), ("won", False, "4997")],
)
def test_a_dispute_is_flagged_and_subtracted_only_when_it_is_lost(status, disputed, net):
    [row], _ = payment(
        charge(),
        dispute("needs_response", 5),
        *([dispute(status, 9)] if status != "needs_response" else []),
    )
    assert (row["disputed"], row["net_revenue"]) == (disputed, Decimal(net))


def instalment(key, number, billing_reason):
    at = PAID + timedelta(days=30 * number)
    invoice = {
        "id": f"in_{key}",
        "object": "invoice",
        "customer_email": "lead.one@example.com",
        "customer_name": "Lead One",
        "status": "paid",
        "billing_reason": billing_reason,
        "parent": {"subscription_details": {"subscription": "sub_1"}},
    }
    link = {
        "id": f"inpay_{key}",
        "object": "invoice_payment",
        "invoice": f"in_{key}",
        "status": "paid",
        "payment": {"type": "payment_intent", "payment_intent": f"pi_{key}"},
    }
    return [
        samples.stripe_event("payment_intent.succeeded", samples.stripe_intent(key, 99700, at), at),
        samples.stripe_event("invoice.paid", invoice, at),
        samples.stripe_event("invoice_payment.paid", link, at),
    ]


REFUND = samples.stripe_refund("A", 1, 100000, PAID)
STORY = [
    intent(),
    charge(),
    event("refund.created", REFUND, 5),
    event(
        "charge.refunded",
        samples.stripe_charge("A", 499700, "lead.one@example.com", PAID, refunded=100000),
        5,
    ),
    event("refund.failed", REFUND | {"status": "failed"}, 60),
    event("refund.created", samples.stripe_refund("A", 2, 50000, PAID), 70),
    event(
        "charge.refunded",
        samples.stripe_charge("A", 499700, "lead.one@example.com", PAID, refunded=50000),
        70,
    ),
    dispute("needs_response", 80),
    dispute("lost", 90),
    *instalment("B", 0, "subscription_create"),
    *instalment("C", 1, "subscription_cycle"),
    event(
        "charge.failed",
        samples.stripe_charge("D", 1000, None, PAID)
        | {
            "status": "failed",
            "captured": False,
            "id": "ch_D0",
        },
        2,
    ),
    charge("D", 1000, "lead.two@example.com"),
]


def told(deliveries):
    history = History("stripe")
    with as_system(history.org) as db:
        make.event(
            db, history.org, make.closer(db, history.org, "Ana"), at=PAID - timedelta(hours=3)
        )
        make.event(
            db, history.org, make.closer(db, history.org, "Bo"), at=PAID + timedelta(days=20)
        )
    history.deliver(*deliveries)
    return history.rows(PAYMENTS)


def test_an_instalment_stays_with_the_closer_of_the_first():
    by_key = {row["processor_payment_id"]: row for row in told(STORY)}
    assert (by_key["pi_B"]["closer"], by_key["pi_C"]["closer"], by_key["pi_C"]["deal_type"]) == (
        "Ana",
        "Ana",
        "renewal",
    )
    assert by_key["pi_C"]["attribution_method"] == "membership"


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    order=st.permutations(range(len(STORY))),
    repeated=st.lists(st.integers(0, len(STORY) - 1), max_size=5),
)
def test_any_order_and_any_repetition_gives_the_same_payments(order, repeated):
    assert told(shuffled(STORY, order, repeated)) == told(STORY)
