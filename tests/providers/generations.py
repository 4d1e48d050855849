"""Every documented sample of every API generation of the payment processors, and ways in which each
can be spoilt.

Sources: Stripe's OpenAPI fixtures and API 2026-10-28.endive; API versions before 2022-11-15 and
before 2025-03-31 as its changelog describes them. Whop: developer documentation, ``whop_sdk`` 2.6.0
and ``@whop/api`` 0.0.51, and a recorded delivery of an older webhook.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import payloads as samples

PAID = datetime(2026, 11, 4, 18, tzinfo=UTC)
EMAIL = "lead.one@example.com"
UNKNOWN_STATE = "a_state_of_next_year"
Payload = dict[str, Any]


def _event(kind: str, thing: Payload, minutes: int = 0) -> Payload:
    return samples.stripe_event(kind, thing, PAID + timedelta(minutes=minutes))


def _charge(**more: Any) -> Payload:
    return samples.stripe_charge("A", 99700, EMAIL, PAID) | more


def _intent(**more: Any) -> Payload:
    return samples.stripe_intent("A", 99700, PAID) | more


def _invoice(**more: Any) -> Payload:
    subscription = {"type": "subscription_details", "subscription_details": {"subscription": "sub"}}
    return {
        "id": "in_A",
        "object": "invoice",
        "status": "paid",
        "amount_paid": 99700,
        "currency": "usd",
        "customer": "cus_sample",
        "customer_email": EMAIL,
        "customer_name": "Lead One",
        "billing_reason": "subscription_cycle",
        "parent": subscription,
        "status_transitions": {"paid_at": int(PAID.timestamp())},
        "livemode": True,
    } | more


def stripe_generations() -> dict[str, list[Payload]]:
    """The same sale of 997.00, of which 100.00 was given back, as each generation says it."""
    refund = samples.stripe_refund("A", 1, 10000, PAID)
    refunded = _charge(amount_refunded=10000)
    link = {
        "id": "inpay_A",
        "object": "invoice_payment",
        "invoice": "in_A",
        "status": "paid",
        "amount_paid": 99700,
        "currency": "usd",
        "payment": {"type": "payment_intent", "payment_intent": "pi_A"},
    }
    listed = {"object": "list", "data": [refund], "has_more": False}
    inside = {"object": "list", "data": [_charge(invoice="in_A")], "has_more": False}
    older = {"parent": None, "subscription": "sub", "payment_intent": "pi_A", "charge": "ch_A"}
    ordered = _intent(payment_details={"order_reference": "in_A"})
    return {
        "endive": [
            _event("payment_intent.succeeded", ordered, 1),
            _event("charge.succeeded", _charge(), 1),
            _event("invoice.paid", _invoice(), 2),
            _event("invoice_payment.paid", link, 2),
            _event("refund.created", refund, 60),
            _event("charge.refunded", refunded, 60),
            _event("refund.updated", refund, 61),
        ],
        "acacia": [
            _event("payment_intent.succeeded", _intent(invoice="in_A"), 1),
            _event("charge.succeeded", _charge(invoice="in_A"), 1),
            _event("invoice.payment_succeeded", _invoice(**older, paid=True), 2),
            _event("charge.refunded", refunded, 60),
            _event("charge.refund.updated", refund, 61),
        ],
        "before 2022-11-15": [
            _event("payment_intent.succeeded", _intent(charges=inside, latest_charge=None), 1),
            _event("invoice.paid", _invoice(**older, paid=True), 2),
            _event("charge.refunded", refunded | {"refunds": listed}, 60),
        ],
        "expanded": [
            _event("payment_intent.succeeded", _intent(latest_charge=_charge()), 1),
            _event("invoice.paid", _invoice(payments={"object": "list", "data": [link]}), 2),
            _event(
                "refund.created", refund | {"charge": refunded, "payment_intent": _intent()}, 60
            ),
        ],
        "a direct charge": [
            _event("charge.succeeded", _charge(payment_intent=None), 1),
            _event("charge.refunded", refunded | {"payment_intent": None}, 60),
            _event("refund.created", refund | {"payment_intent": None}, 60),
        ],
    }


def whop_native(**values: Any) -> Payload:
    made = samples.whop_payment("A", "997.00", EMAIL, PAID, membership="mem_A")
    made["data"] |= values
    return made


def whop_legacy(kind: str = "payment.succeeded", **values: Any) -> Payload:
    at = PAID.isoformat().replace("+00:00", "Z")
    said = {
        "id": "pay_A",
        "status": "paid",
        "substatus": "succeeded",
        "created_at": at,
        "updated_at": at,
        "paid_at": at,
        "currency": "usd",
        "total": 997.0,
        "user": {"id": "user_A", "name": "Lead One", "username": "one", "email": EMAIL},
        "membership": {"id": "mem_A", "status": "completed"},
        "company": {"id": "biz_sample"},
        "product": {"id": "prod_A", "title": "Core"},
        "refunded_amount": 0.0,
        "refunds": [],
        "disputes": [],
        "failure_message": None,
    }
    return {
        "id": "msg_A",
        "api_version": "v1",
        "timestamp": at,
        "type": kind,
        "data": said | values,
        "company_id": "biz_sample",
        "api_version_date": None,
    }


def whop_refund(status: str = "succeeded", minutes: int = 60, **values: Any) -> Payload:
    at = (PAID + timedelta(minutes=minutes)).isoformat()
    said = {
        "id": "rf_A",
        "amount": 100.0,
        "currency": "usd",
        "status": status,
        "created_at": (PAID + timedelta(minutes=60)).isoformat(),
        "payment": {"id": "pay_A", "total": 997.0, "currency": "usd"},
    }
    return {
        "id": "msg_R",
        "api_version": "v1",
        "timestamp": at,
        "type": "refund.updated",
        "data": said | values,
        "company_id": "biz_sample",
    }


def whop_dispute(status: str, minutes: int = 120, **values: Any) -> Payload:
    at = (PAID + timedelta(minutes=minutes)).isoformat()
    said = {
        "id": "dspt_A",
        "amount": 997.0,
        "currency": "usd",
        "status": status,
        "reason": "fraudulent",
        "created_at": (PAID + timedelta(minutes=120)).isoformat(),
        "company": {"id": "biz_sample", "title": "Sample Co"},
        "payment": {"id": "pay_A", "total": 997.0, "currency": "usd"},
        "product": {"id": "prod_A", "title": "Core"},
    }
    return {
        "id": f"msg_D{status}",
        "api_version": "v1",
        "timestamp": at,
        "type": "dispute.updated",
        "data": said | values,
        "company_id": "biz_sample",
    }


def whop_generations() -> dict[str, list[Payload]]:
    """The same sale of 997.00, of which 100.00 was given back, as each generation says it."""
    later = (PAID + timedelta(minutes=60)).isoformat()
    money = {"amount": "100.00", "currency": "usd", "decimals": 2, "display_decimals": 2}
    flat = whop_refund(payment_id="pay_A", amount=money)
    del flat["data"]["payment"]
    v5 = {
        "id": "pay_A",
        "membership_id": "mem_A",
        "product_id": "prod_A",
        "user_id": "user_A",
        "company_id": "biz_sample",
        "created_at": int(PAID.timestamp()) - 5,
        "paid_at": int(PAID.timestamp()),
        "refunded_at": None,
        "status": "paid",
        "subtotal": 997,
        "final_amount": 997,
        "amount_after_fees": 957.13,
        "currency": "usd",
        "refunded_amount": 0,
    }
    undated = {
        "id": "pay_A",
        "product": {"id": "pass_F1", "name": "Programme"},
        "membership": "mem_A",
        "plan": {"id": "plan_F1"},
        "user": {"id": "user_F1", "username": "userf1", "email": EMAIL},
        "final_amount": 997,
        "subtotal": 997,
        "currency": "usd",
        "last_payment_attempt": None,
        "payments_failed": 0,
        "refunded_amount": 0,
        "refunded_at": None,
        "status": "paid",
    }
    nested = {"id": "rf_A", "amount": 100.0, "status": "succeeded", "created_at": later}
    return {
        "native": [whop_native(), flat],
        "legacy": [whop_legacy(), whop_refund()],
        "legacy with its refund inside": [
            whop_legacy(),
            whop_legacy(updated_at=later, refunded_amount=100.0, refunds=[nested]),
        ],
        "v5": [
            {"action": "payment.succeeded", "api_version": "v5", "data": v5},
            {
                "action": "payment.refunded",
                "api_version": "v5",
                "data": v5 | {"refunded_amount": 100, "refunded_at": int(PAID.timestamp()) + 3600},
            },
        ],
        "v2": [
            {
                "action": "payment.succeeded",
                "api_version": "v2",
                "data": undated | {"total": "997.0", "paid_at": int(PAID.timestamp())},
            },
            whop_refund(),
        ],
        "an older webhook without dates": [
            {"action": "payment.succeeded", "data": undated},
            whop_refund(),
        ],
    }


GENERATIONS = {"stripe": stripe_generations, "whop": whop_generations}


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value of a payload."""
    parts = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, part in parts:
        yield (*path, name)
        yield from _places(part, (*path, name))


def _spoilt_values(name: Any, value: Any) -> Iterator[Any]:
    yield from (None, [], {})
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        yield value["id"]
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    if isinstance(value, str):
        yield f"{value}\x00"
        yield f"\ud83d{value}"
        yield {"id": value}
    if name in ("status", "substatus") and isinstance(value, str):
        yield UNKNOWN_STATE


def spoilt(payload: Payload) -> Iterator[Payload]:
    """The payload with one thing missing, null, empty, an id in place of its object or the other
    way round, text in place of a number, in an unknown state, or with what cannot be stored in a
    text or in a name.
    """
    for path in _places(payload):
        *way, name = path
        for value in [..., *_spoilt_values(name, _at(payload, path))]:
            made = copy.deepcopy(payload)
            holder = _at(made, way)
            if value is not ...:
                holder[name] = value
            elif isinstance(holder, dict):
                del holder[name]
            yield made
        if isinstance(name, str):
            made = copy.deepcopy(payload)
            holder = _at(made, way)
            holder[f"{name}\x00"] = holder.pop(name)
            yield made


def _at(value: Any, path: Any) -> Any:
    for name in path:
        value = value[name]
    return value
