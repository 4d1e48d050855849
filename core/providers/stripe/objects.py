"""Reading Stripe's objects: which payment they belong to, which state is newer, and what they say
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.deliveries.models import ProviderObject
from core.deliveries.objects import Kept
from core.money.ledger import PaymentFact, RefundFact
from core.money.models import PaymentStatus

# Source: Stripe, supported currencies. ISK and UGX have no fractions any more but are still sent
# with two decimals; MGA has two decimals in ISO 4217 but none at Stripe.
NO_DECIMALS = frozenset(
    (
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    )
)
THREE_DECIMALS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
REFERENCE: Kept = {"id": None}
WHO: Kept = {"email": None, "name": None}
GIVEN_BACK: Kept = {
    **dict.fromkeys(("id", "status", "currency", "created", "amount", "reason")),
    "charge": REFERENCE,
    "payment_intent": REFERENCE,
}
# What is read of each kind, below and in core.providers.stripe.webhook; the rest, cards, addresses
# and notes included, is not stored.
KEPT: Mapping[str, Kept] = {
    "payment_intent": {
        **dict.fromkeys(
            ("id", "status", "currency", "created", "amount", "amount_received", "receipt_email")
        ),
        "last_payment_error": {"type": None, "code": None},
    },
    "charge": {
        **dict.fromkeys(
            (
                "id",
                "status",
                "currency",
                "created",
                "amount",
                "amount_captured",
                "amount_refunded",
                "captured",
            )
        ),
        "receipt_email": None,
        "billing_details": WHO,
        "payment_intent": REFERENCE,
    },
    "refund": GIVEN_BACK,
    "dispute": GIVEN_BACK,
    "checkout.session": {
        "id": None,
        "customer_email": None,
        "customer_details": WHO,
        "payment_intent": REFERENCE,
    },
    "invoice": {
        **dict.fromkeys(("id", "billing_reason", "customer_email", "customer_name")),
        "subscription": REFERENCE,
        "payment_intent": REFERENCE,
        "parent": {"subscription_details": {"subscription": REFERENCE}},
    },
    "invoice_payment": {
        "id": None,
        "invoice": REFERENCE,
        "payment": {"type": None, "payment_intent": REFERENCE},
    },
}
FINAL = {"succeeded": 2, "failed": 3, "canceled": 3, "won": 3, "lost": 3, "paid": 2, "complete": 2}


def major(amount: int, currency: str) -> Decimal:
    """Stripe's integer in major units: 4997 USD is 49.97, 500 JPY is 500, 5120 KWD is 5.120."""
    exponent = (
        0 if currency.lower() in NO_DECIMALS else 3 if currency.lower() in THREE_DECIMALS else 2
    )
    return Decimal(amount).scaleb(-exponent)


def reference(value: Any) -> str | None:
    """The id behind a reference, which is a string or, when it was expanded, the object itself."""
    return value.get("id") if isinstance(value, dict) else value


def group_of(kind: str, stripe_object: dict[str, Any]) -> str | None:
    """The payment intent an object belongs to; a charge without one stands for itself."""
    if kind == "payment_intent":
        return stripe_object["id"]
    if kind == "invoice_payment":
        return reference((stripe_object.get("payment") or {}).get("payment_intent"))
    intent = reference(stripe_object.get("payment_intent"))
    return intent or (stripe_object["id"] if kind == "charge" else None)


def invoice_group(invoice_payment: dict[str, Any]) -> str | None:
    """The invoice that an invoice payment pays."""
    return reference(invoice_payment.get("invoice"))


def version_of(kind: str, stripe_object: dict[str, Any], created: int) -> str:
    """Orders the states of one object: event time, then how far along it is, since times have whole
    seconds only.
    """
    progress = FINAL.get(stripe_object.get("status") or "", 1)
    total = stripe_object.get("amount_refunded") or 0 if kind == "charge" else 0
    captured = stripe_object.get("amount_captured") or 0 if kind == "charge" else 0
    return f"{created:012d}:{progress}:{captured:015d}:{total:015d}"


def payment_fact(
    connection_id: UUID, group: str, known: Sequence[ProviderObject]
) -> PaymentFact | None:
    """The payment that the objects of one group describe; None while no money is known of, or for
    zero amounts.
    """
    intent = _first(known, "payment_intent")
    charge = _best_charge(known)
    money = _money(intent, charge)
    if money is None:
        return None
    amount, currency, status, at = money
    disputes = [item.data for item in known if item.kind == "dispute"]
    email, name = _customer(known, intent, charge)
    invoice = _first(known, "invoice")
    return PaymentFact(
        processor="stripe",
        connection_id=connection_id,
        key=group,
        amount=amount,
        currency=currency.upper(),
        status=status,
        at=at,
        charge_key=charge["id"] if charge else None,
        email=email,
        name=name,
        membership_key=_subscription(invoice),
        deal_type=(
            "renewal"
            if invoice and invoice.get("billing_reason") == "subscription_cycle"
            else "new_deal"
        ),
        disputed=any(dispute["status"] not in ("won", "warning_closed") for dispute in disputes),
        dispute_status=disputes[-1]["status"] if disputes else None,
        refunds=[*_refunds(known, charge, currency), *_lost_disputes(disputes)],
    )


def _first(known: Iterable[ProviderObject], kind: str) -> dict[str, Any] | None:
    return next((item.data for item in known if item.kind == kind), None)


def _best_charge(known: Iterable[ProviderObject]) -> dict[str, Any] | None:
    """One intent can have several attempts; the successful one counts."""
    charges = [item.data for item in known if item.kind == "charge"]
    succeeded = [charge for charge in charges if charge.get("status") == "succeeded"]
    return next(iter(succeeded or charges), None)


def _money(
    intent: dict[str, Any] | None, charge: dict[str, Any] | None
) -> tuple[Decimal, str, PaymentStatus, datetime] | None:
    """Amount, currency, status and time. An authorisation that was not captured is not cash."""
    said = charge or intent
    if said is None:
        return None
    currency, at = said["currency"], datetime.fromtimestamp(said["created"], UTC)
    if charge is not None and charge.get("status") == "succeeded":
        captured = charge.get("amount_captured") if charge.get("captured", True) else 0
        status = PaymentStatus.SUCCEEDED if captured else PaymentStatus.PENDING
        minor = captured or charge["amount"]
    elif intent is not None and intent.get("status") == "succeeded":
        currency, minor, status = (
            intent["currency"],
            intent.get("amount_received") or 0,
            PaymentStatus.SUCCEEDED,
        )
    else:
        failed = (charge or {}).get("status") == "failed" or (intent or {}).get(
            "last_payment_error"
        )
        minor, status = said["amount"], PaymentStatus.FAILED if failed else PaymentStatus.PENDING
    return (major(minor, currency), currency, status, at) if minor else None


def _customer(
    known: Iterable[ProviderObject], intent: dict[str, Any] | None, charge: dict[str, Any] | None
) -> tuple[str | None, str | None]:
    """E-mail and name, from the first object that has them; a payment intent's own is usually
    empty.
    """
    billing = (charge or {}).get("billing_details") or {}
    session = _first(known, "checkout.session") or {}
    details = session.get("customer_details") or {}
    invoice = _first(known, "invoice") or {}
    emails = (
        billing.get("email"),
        (charge or {}).get("receipt_email"),
        details.get("email"),
        session.get("customer_email"),
        (intent or {}).get("receipt_email"),
        invoice.get("customer_email"),
    )
    names = (billing.get("name"), details.get("name"), invoice.get("customer_name"))
    return next(filter(None, emails), None), next(filter(None, names), None)


def _subscription(invoice: dict[str, Any] | None) -> str | None:
    if invoice is None:
        return None
    parent = (invoice.get("parent") or {}).get("subscription_details") or {}
    return reference(parent.get("subscription") or invoice.get("subscription"))


def _refunds(
    known: Iterable[ProviderObject], charge: dict[str, Any] | None, currency: str
) -> list[RefundFact]:
    """The refunds one by one; what the charge's running total knows beyond them is one
    more, until they arrive.

    Failed refunds are part of the comparison: the total still held them when it was taken.
    """
    rows = [item.data for item in known if item.kind == "refund"]
    refunds = [
        RefundFact(
            row["id"],
            major(row["amount"], row["currency"]),
            row.get("status") or "pending",
            datetime.fromtimestamp(row["created"], UTC),
            reason=row.get("reason"),
        )
        for row in rows
    ]
    beyond = ((charge or {}).get("amount_refunded") or 0) - sum(row["amount"] for row in rows)
    if charge is not None:
        at = datetime.fromtimestamp(charge["created"], UTC)
        status = "succeeded" if beyond > 0 else "canceled"
        refunds.append(
            RefundFact(f"total of {charge['id']}", major(max(beyond, 0), currency), status, at)
        )
    return refunds


def _lost_disputes(disputes: Iterable[dict[str, Any]]) -> list[RefundFact]:
    """A dispute is flagged while it runs and subtracted only when it is lost."""
    return [
        RefundFact(
            dispute["id"],
            major(dispute["amount"], dispute["currency"]),
            "succeeded" if dispute["status"] == "lost" else "canceled",
            datetime.fromtimestamp(dispute["created"], UTC),
            kind="dispute",
            reason=dispute.get("reason"),
        )
        for dispute in disputes
    ]
