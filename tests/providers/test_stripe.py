"""Stripe's deliveries, in whatever order and however often, become each payment once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import stripe as official
from hypothesis import given
from hypothesis import strategies as st

from core.platform.database import WORKER_ROLE, as_system
from core.providers.payloads import signed
from core.providers.stripe.objects import KEPT
from core.providers.stripe.payments import CHARGE_STATES, DISPUTE_STATES, INTENT_STATES
from core.providers.values import Unreadable
from tests import factories as make
from tests import payloads as samples
from tests.api.client import get, key_of
from tests.examples import whole_histories
from tests.providers.history import PAYMENTS, History, shuffled
from tests.statements import statements

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
    [
        ("needs_response", True, "4997"),
        ("appeal_under_review", True, "4997"),
        ("a_state_of_next_year", True, "4997"),
        ("lost", True, "0"),
        ("won", False, "4997"),
        ("prevented", False, "4997"),
        ("warning_closed", False, "4997"),
    ],
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


def told(deliveries, size=1):
    history = History("stripe")
    with as_system(history.org) as db:
        make.event(
            db, history.org, make.closer(db, history.org, "Ana"), at=PAID - timedelta(hours=3)
        )
        make.event(
            db, history.org, make.closer(db, history.org, "Bo"), at=PAID + timedelta(days=20)
        )
    history.deliver(*deliveries, size=size)
    return history.rows(PAYMENTS)


def test_an_instalment_stays_with_the_closer_of_the_first():
    by_key = {row["processor_payment_id"]: row for row in told(STORY)}
    assert (by_key["pi_B"]["closer"], by_key["pi_C"]["closer"], by_key["pi_C"]["deal_type"]) == (
        "Ana",
        "Ana",
        "renewal",
    )
    assert by_key["pi_C"]["attribution_method"] == "membership"


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


def published(resource):
    """The states that Stripe's own library lists; other texts are possible."""
    return set(get_args(get_args(resource.__annotations__["status"])[0]))


ROOT = Path(__file__).parents[2]
READ = sorted({name for kept in KEPT.values() for name in kept} - {"id", "currency"})


@pytest.mark.parametrize("field", READ)
def test_every_field_that_is_stored_has_its_reason_in_the_folder(field):
    assert f"`{field}" in (ROOT / "core/providers/stripe/FIELDS.md").read_text()


def test_people_are_asked_for_the_events_of_every_object_that_is_read():
    lines = (ROOT / "docs/operations.md").read_text().splitlines()
    [chosen] = [line for line in lines if line.startswith("| Stripe |")]
    families = {kind: kind for kind in KEPT} | {"dispute": "charge"}  # charge.dispute.created
    assert [kind for kind, family in families.items() if f"`{family}.*`" not in chosen] == []


def test_every_state_that_stripe_publishes_is_known():
    assert set(CHARGE_STATES) == published(official.Charge)
    assert set(INTENT_STATES) == published(official.PaymentIntent)
    # of API versions before 2020
    assert set(DISPUTE_STATES) - {"charge_refunded"} == published(official.Dispute)


@pytest.mark.parametrize("status", [*INTENT_STATES, "a_state_of_next_year"])
def test_a_payment_intent_in_any_state_is_shown(status):
    history = History("stripe")
    history.deliver(intent(status=status, amount_received=0))
    rows = history.rows("select status from app.payments")
    lines = history.rows("select summary from app.activities where subject_type = 'payment'")
    if status == "succeeded":  # with nothing received it is no money
        assert (rows, lines) == ([], [])
        return
    shown = "canceled" if status == "canceled" else "pending"
    assert [row["status"] for row in rows] == [shown]
    assert [status in line["summary"] for line in lines] == [status == "a_state_of_next_year"]


LINES = """
    select summary, at from app.activities where subject_type = 'payment' order by at, summary
"""


def test_the_timeline_says_of_a_cancelled_intent_that_it_was_cancelled():
    history = History("stripe")
    canceled = {"status": "canceled", "canceled_at": int(PAID.timestamp()) + 600}
    history.deliver(
        intent(status="requires_capture", amount_received=0),
        charge(captured=False, amount_captured=0),
        event(
            "payment_intent.canceled",
            samples.stripe_intent("A", 499700, PAID) | canceled | {"amount_received": 0},
            10,
        ),
        charge(
            captured=False, amount_captured=0, amount_refunded=499700, refunded=True, minutes=10
        ),
    )
    assert [line["summary"] for line in history.rows(LINES)] == [
        "Payment of $4,997.00: pending",
        "Payment of $4,997.00: cancelled",
    ]
    assert history.rows("select * from app.refunds") == []


def test_the_timeline_tells_each_refund_and_dispute_when_it_happened():
    history = History("stripe")
    history.deliver(
        charge(),
        event("refund.created", samples.stripe_refund("A", 1, 100000, PAID), 5),
        event("charge.refunded", charge(amount_refunded=100000)["data"]["object"], 5),
        dispute("needs_response", 80),
        dispute("lost", 90),
    )
    assert {(line["summary"], line["at"]) for line in history.rows(LINES)} == {
        ("Payment of $4,997.00: succeeded", PAID),
        ("Refund of $1,000.00: succeeded", PAID),
        ("Dispute of $4,997.00: needs response", PAID),
        ("Dispute of $4,997.00: lost", PAID + timedelta(minutes=90)),
    }


def test_a_refund_known_by_the_running_total_is_dated_when_it_was_first_reported():
    totals = [charge(amount_refunded=100000, minutes=minutes) for minutes in (50, 20, 90)]
    history = History("stripe")
    history.deliver(charge(), *totals)
    assert history.rows("select amount, refunded_at from app.refunds") == [
        {"amount": Decimal(1000), "refunded_at": PAID + timedelta(minutes=20)}
    ]


def test_a_refund_that_comes_over_a_replaced_connection_does_not_count_the_payment_again():
    history = History("stripe")
    history.deliver(intent(), charge())
    history.replace_connection()
    history.deliver(charge(amount_refunded=100000, minutes=9), intent(), charge())
    [row] = history.rows(PAYMENTS)
    assert (row["amount"], row["net_revenue"]) == (4997, 3997)


@pytest.mark.parametrize("with_release", [False, True])
def test_what_was_authorised_and_not_captured_is_no_refund(with_release):
    captured = charge(amount_captured=300000, amount_refunded=199700, minutes=5)
    release = samples.stripe_refund("A", 9, 199700, PAID) | {"balance_transaction": None}
    released = [event("refund.created", release, 5)] if with_release else []
    [row], _ = payment(intent(amount_received=300000), captured, *released)
    assert (row["amount"], row["refund_amount"]) == (3000, 0)

    given_back = samples.stripe_refund("A", 1, 50000, PAID) | {"balance_transaction": "txn_1"}
    later = charge(amount_captured=300000, amount_refunded=249700, minutes=9)
    for known in ([later], [later, event("refund.created", given_back, 9)]):
        [row], _ = payment(captured, *released, *known)
        assert (row["amount"], row["net_revenue"]) == (3000, 2500)


def test_a_second_refund_after_a_failed_one_is_known_by_the_running_total():
    failed = samples.stripe_refund("A", 1, 100000, PAID) | {"status": "failed"}
    first = charge(amount_refunded=100000, minutes=5)
    failure = event("charge.refund.updated", failed, 20)
    rows, _ = payment(charge(), first, failure)
    assert rows[0]["refund_amount"] == 0
    rows, _ = payment(charge(), first, failure, charge(amount_refunded=100000, minutes=40))
    assert rows[0]["refund_amount"] == 1000


def test_what_was_released_is_no_refund_any_more_once_the_capture_is_known():
    release = samples.stripe_refund("A", 9, 199700, PAID) | {"balance_transaction": None}
    captured = charge(amount_captured=300000, amount_refunded=199700, minutes=5)
    [row], _ = payment(intent(), event("refund.created", release, 5), captured)
    assert (row["amount"], row["refund_amount"]) == (3000, 0)


def test_a_dispute_that_was_won_after_all_is_subtracted_no_more():
    [row], _ = payment(charge(), dispute("lost", 9), dispute("won", 30))
    assert (row["disputed"], row["net_revenue"]) == (False, 4997)


def test_a_payment_intent_alone_is_dated_by_its_success():
    opened = int((PAID - timedelta(days=9)).timestamp())
    history = History("stripe")
    history.deliver(intent(created=opened))
    assert history.rows("select payment_date from app.payments") == [
        {"payment_date": PAID + timedelta(minutes=1)}
    ]


CUSTOMER = {
    "id": "cus_sample",
    "object": "customer",
    "email": "lead.one@example.com",
    "name": "Lead One",
    "livemode": True,
}


@pytest.mark.parametrize(
    "deliveries",
    [
        [charge(email=None, customer=CUSTOMER)],
        [charge(email=None), event("customer.updated", CUSTOMER, 5)],
        [event("customer.created", CUSTOMER, -5), charge(email=None)],
        [intent(), event("customer.updated", CUSTOMER, 5)],
    ],
    ids=["expanded", "later", "earlier", "intent alone"],
)
def test_the_address_of_a_saved_card_is_its_customers(deliveries):
    [row], _ = payment(*deliveries)
    assert row["customer_email_normalized"] == "lead.one@example.com"


def test_a_deleted_customer_keeps_the_address_of_its_payments():
    gone = {"id": "cus_sample", "object": "customer", "deleted": True, "livemode": True}
    [row], _ = payment(
        charge(email=None, customer=CUSTOMER),
        event("customer.deleted", gone, 9),
        charge(email=None),
    )
    assert row["customer_email_normalized"] == "lead.one@example.com"


def ordered_instalment(number, reason):
    """As Stripe sends it today, without the link between invoice and payment intent."""
    at, key = PAID + timedelta(days=30 * number), f"N{number}"
    order = {"customer_reference": None, "order_reference": f"in_{key}"}
    invoice = {
        "id": f"in_{key}",
        "object": "invoice",
        "customer_email": "lead.one@example.com",
        "status": "paid",
        "billing_reason": reason,
        "parent": {"subscription_details": {"subscription": "sub_1"}},
    }
    made = samples.stripe_intent(key, 99700, at) | {"payment_details": order}
    return [
        samples.stripe_event("payment_intent.succeeded", made, at),
        samples.stripe_event("charge.succeeded", samples.stripe_charge(key, 99700, None, at), at),
        samples.stripe_event("invoice.paid", invoice, at),
    ]


def test_an_invoice_is_found_by_the_payment_intent_that_names_it():
    rows = told(
        [
            *ordered_instalment(0, "subscription_create"),
            *ordered_instalment(1, "subscription_cycle"),
        ]
    )
    assert [
        (row["customer_email_normalized"], row["closer"], row["deal_type"], row["membership_key"])
        for row in rows
    ] == [
        ("lead.one@example.com", "Ana", "new_deal", "sub_1"),
        ("lead.one@example.com", "Ana", "renewal", "sub_1"),
    ]


def paid_elsewhere(**more):
    return {
        "id": "in_O",
        "object": "invoice",
        "customer_email": "lead.one@example.com",
        "status": "paid",
        "amount_paid": 499700,
        "currency": "usd",
        "billing_reason": "manual",
        "parent": None,
        "livemode": True,
    } | more


RECORD = {
    "id": "inpay_O",
    "object": "invoice_payment",
    "invoice": "in_O",
    "status": "paid",
    "amount_paid": 499700,
    "currency": "usd",
    "payment": {"type": "payment_record", "payment_record": "pr_1"},
}


@pytest.mark.parametrize(
    "deliveries",
    [
        [event("invoice.paid", paid_elsewhere(paid_out_of_band=True))],
        [event("invoice.paid", paid_elsewhere(amount_paid_off_stripe=499700))],
        [event("invoice.paid", paid_elsewhere()), event("invoice_payment.paid", RECORD)],
        [
            event("invoice_payment.paid", RECORD),
            event("invoice.paid", paid_elsewhere(paid_out_of_band=True)),
        ],
        [
            event("invoice.paid", paid_elsewhere(paid_out_of_band=True, status=None, paid=True)),
            event("invoice.updated", paid_elsewhere(paid_out_of_band=True), 9),
        ],
    ],
    ids=["older", "newer", "record", "both", "oldest"],
)
def test_an_invoice_that_was_paid_outside_of_stripe_is_cash(deliveries):
    assert [
        (row["processor_payment_id"], row["amount"], row["closer"]) for row in told(deliveries)
    ] == [("in_O", 4997, "Ana")]


def test_an_invoice_paid_by_card_is_no_cash_of_its_own():
    rows, outcomes = payment(event("invoice.paid", paid_elsewhere()))
    assert rows == []
    assert outcomes[0].ignored


def test_a_charge_that_does_not_name_its_intent_is_not_counted_beside_it():
    alone = charge(payment_intent=None)
    for story in (
        [alone, intent()],
        [intent(), alone],
        [intent(latest_charge=None), alone, intent()],
    ):
        rows, _ = payment(*story)
        assert [row["amount"] for row in rows if row["counts"]] == [4997]


def test_the_first_money_of_a_membership_is_a_new_deal_whatever_stripe_calls_it():
    later = PAID + timedelta(days=14)
    link = {
        "id": "inpay_T",
        "object": "invoice_payment",
        "invoice": "in_T",
        "status": "paid",
        "payment": {"type": "payment_intent", "payment_intent": "pi_T"},
    }
    of = {"customer_email": "lead.one@example.com", "status": "paid", "object": "invoice"}
    parent = {"subscription_details": {"subscription": "sub_1"}}
    trial = of | {"id": "in_T0", "billing_reason": "subscription_create", "amount_paid": 0}
    cycle = of | {"id": "in_T", "billing_reason": "subscription_cycle", "amount_paid": 99700}
    [row], _ = payment(
        event("invoice.paid", trial | {"parent": parent}),
        samples.stripe_event("invoice.paid", cycle | {"parent": parent}, later),
        samples.stripe_event("invoice_payment.paid", link, later),
        samples.stripe_event(
            "payment_intent.succeeded", samples.stripe_intent("T", 99700, later), later
        ),
    )
    assert (row["deal_type"], row["membership_key"]) == ("new_deal", "sub_1")


def test_amounts_are_shown_with_the_decimals_in_which_they_were_paid():
    history = History("stripe", currency="RSD")
    history.deliver(
        *(charge(f"R{n}", 12345640, f"l{n}@example.com", currency="rsd") for n in range(3))
    )
    key = key_of(history.org, "all")
    rows = get("/api/payments", key).json()["items"]
    period = {"start": "2026-11-01", "end": "2026-12-01", "metrics": "cash_collected"}
    totals = get("/api/metrics", key, **period).json()["totals"]
    assert [row["amount"] for row in rows] == ["123456.40"] * 3
    assert totals["cash_collected"] == {"RSD": "370369.20"}


def test_a_dispute_in_another_currency_is_flagged_and_not_subtracted():
    lost = dispute("lost", 9)
    lost["data"]["object"]["currency"] = "eur"
    [row], _ = payment(charge(), lost)
    assert (row["disputed"], row["net_revenue"]) == (True, 4997)


def test_a_lost_dispute_above_its_payment_takes_off_what_was_paid_and_no_more():
    lost = dispute("lost", 9)
    lost["data"]["object"]["amount"] = 519700
    [row], _ = payment(charge(), lost)
    assert row["net_revenue"] == 0


def test_a_refund_and_a_lost_dispute_of_one_payment_take_it_off_once():
    refund = samples.stripe_refund("A", 1, 100000, PAID)
    refunded = samples.stripe_charge("A", 499700, "lead.one@example.com", PAID, refunded=100000)
    [row], _ = payment(
        charge(),
        event("refund.created", refund, 2),
        event("charge.refunded", refunded, 2),
        dispute("lost", 9),
    )
    assert (row["refund_amount"], row["net_revenue"]) == (4997, 0)


def test_an_object_whose_amount_cannot_be_read_spoils_no_payment_that_it_belongs_to():
    history, disputed = History("stripe"), dispute("needs_response", 5)
    disputed["data"]["object"]["amount"] = "a lot"
    with pytest.raises(Unreadable, match="a lot"):
        history.deliver(disputed)
    history.deliver(charge())
    assert [row["amount"] for row in history.rows(PAYMENTS)] == [4997]


def nested(many):
    """A customer's event with this many charges inside."""
    charges = [
        samples.stripe_charge("A", 5_000, f"lead.{number}@example.com", PAID)
        | {"id": f"ch_{many}_{number}", "payment_intent": None}
        for number in range(many)
    ]
    customer = {"object": "customer", "id": f"cus_{many}", "charges": {"data": charges}}
    return event("customer.updated", customer, 1)


def test_hundreds_of_charges_inside_one_object_take_no_more_statements_than_two():
    history = History("stripe")
    history.deliver(nested(3))  # the first one looks up what the process remembers
    taken = []
    for many in (2, 200):
        with statements(WORKER_ROLE) as sent:
            history.deliver(nested(many))
        taken.append(len(sent))
    assert len(history.rows(PAYMENTS)) == 3 + 2 + 200
    assert taken[1] <= taken[0]
