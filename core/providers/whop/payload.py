"""Reading Whop's payloads: four generations, which differ in their fields, into one set of facts.
Amounts are major units.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.deliveries.models import ProviderObject
from core.money.ledger import PaymentFact, RefundFact
from core.money.models import PaymentStatus

# How much a payment's shape knows, best last: the native form has an e-mail field, v5 has no e-mail
# at all.
GENERATIONS = ("v5", "v2", "legacy", "native")
STATUS = {
    "paid": PaymentStatus.SUCCEEDED,
    "void": PaymentStatus.CANCELED,
    "uncollectible": PaymentStatus.FAILED,
}
RENEWALS = ("subscription_cycle", "subscription_update", "subscription")


def generation_of(payload: dict[str, Any]) -> str:
    """Which of ``GENERATIONS`` a delivery speaks."""
    said = payload.get("data") or {}
    if payload.get("action"):
        return "v5" if payload.get("api_version") == "v5" else "v2"
    return "native" if "customer_email" in said or isinstance(said.get("total"), dict) else "legacy"


def account_of(payload: dict[str, Any]) -> str | None:
    """The Whop account (``biz_…``) that a delivery is about."""
    said = payload.get("data") or {}
    nested = said.get("account") or said.get("company") or {}
    return (
        payload.get("account_id")
        or payload.get("company_id")
        or said.get("account_id")
        or said.get("company_id")
        or (nested.get("id") if isinstance(nested, dict) else None)
    )


def as_stored(said: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    """The facts of a payment or refund in one shape, money as text so that it stays exact
    in JSON.
    """
    member, user = said.get("membership"), said.get("user") or {}
    membership = member.get("id") if isinstance(member, dict) else member
    of = said.get("payment") or {}
    happened = (
        said.get("updated_at")
        or payload.get("timestamp")
        or said.get("paid_at")
        or said.get("created_at")
    )
    return {
        "id": said["id"],
        "payment_id": of.get("id") or said.get("payment_id"),
        "status": said["status"],
        "amount": _money(
            said.get("total")
            if said.get("total") is not None
            else said.get("final_amount", said.get("amount"))
        ),
        "currency": _currency(said),
        "at": (
            _moment(
                said.get("paid_at") or said.get("created_at") or payload.get("timestamp")
            ).isoformat()
        ),
        "updated_at": _moment(happened).isoformat(timespec="microseconds"),
        "refunded_amount": _money(said.get("refunded_amount") or 0),
        "email": (
            said.get("customer_email")
            or user.get("email")
            or (member.get("email") if isinstance(member, dict) else None)
        ),
        "name": user.get("name"),
        "membership_id": membership or said.get("membership_id"),
        "package": (said.get("product") or {}).get("title"),
        "billing_reason": said.get("billing_reason"),
        "disputed": (
            bool(said.get("disputes")) or str(said.get("substatus") or "").startswith("dispute")
        ),
        "reason": said.get("failure_message"),
    }


def _money(value: Any) -> str:
    return str(value["amount"] if isinstance(value, dict) else value)


def _currency(said: dict[str, Any]) -> str:
    nested: dict[str, Any] = next(
        (said[key] for key in ("total", "amount") if isinstance(said.get(key), dict)), {}
    )
    return str(nested.get("currency") or said.get("currency") or "").upper()


def _moment(value: Any) -> datetime:
    """ISO 8601, or unix seconds in the older generations."""
    if isinstance(value, int | float | Decimal):
        return datetime.fromtimestamp(int(value), UTC)
    return datetime.fromisoformat(value)


def version_of(kind: str, stored: dict[str, Any]) -> str:
    """Orders the states of one object: what was paid stays paid, so a late ``payment.failed`` never
    undoes it.
    """
    final = (
        stored["status"] == "paid"
        if kind == "payment"
        else stored["status"] in ("failed", "canceled")
    )
    settled = kind == "refund" and stored["status"] == "succeeded"
    return f"{2 if final else 1 if settled else 0}:{stored['updated_at']}"


def payment_fact(
    connection_id: UUID, key: str, known: Sequence[ProviderObject]
) -> PaymentFact | None:
    """The payment that all deliveries of one ``pay_…`` describe; None before any did, or for a zero
    amount.
    """
    states = sorted(
        (item for item in known if item.kind.startswith("payment")),
        key=lambda item: (item.version[0], GENERATIONS.index(item.kind.partition(" ")[2])),
    )
    if not states:
        return None
    best = states[-1].data
    amount = Decimal(best["amount"])
    if not amount:
        return None
    return PaymentFact(
        processor="whop",
        connection_id=connection_id,
        key=key,
        amount=amount,
        currency=best["currency"],
        status=_status(best),
        at=datetime.fromisoformat(best["at"]),
        email=_fact(states, "email"),
        name=_fact(states, "name"),
        membership_key=_fact(states, "membership_id"),
        package_name=_fact(states, "package"),
        deal_type="renewal" if _fact(states, "billing_reason") in RENEWALS else "new_deal",
        disputed=any(state.data["disputed"] for state in states),
        refunds=_refunds(known, states),
    )


def _status(state: dict[str, Any]) -> PaymentStatus:
    return STATUS.get(
        state["status"], PaymentStatus.FAILED if state["reason"] else PaymentStatus.PENDING
    )


def _fact(states: Sequence[ProviderObject], name: str) -> Any:
    """The best generation that knows it."""
    return next((state.data[name] for state in reversed(states) if state.data[name]), None)


def _refunds(known: Sequence[ProviderObject], states: Sequence[ProviderObject]) -> list[RefundFact]:
    """The refunds one by one; what the payment's running total knows beyond them counts until they
    arrive.
    """
    rows = [item.data for item in known if item.kind == "refund"]
    refunds = [
        RefundFact(
            row["id"], Decimal(row["amount"]), row["status"], datetime.fromisoformat(row["at"])
        )
        for row in rows
    ]
    total = max(Decimal(state.data["refunded_amount"]) for state in states)
    beyond = total - sum((Decimal(row["amount"]) for row in rows), Decimal(0))
    at = datetime.fromisoformat(states[-1].data["at"])
    refunds.append(
        RefundFact(
            "running total", max(beyond, Decimal(0)), "succeeded" if beyond > 0 else "canceled", at
        )
    )
    return refunds
