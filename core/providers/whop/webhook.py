"""Whop webhooks, of every payload generation that can still arrive. Only ``payment.*``,
``refund.*`` and ``dispute.*`` are money.

Facts and traps: Whop developer documentation, ``whop_sdk`` 2.6.0 and ``@whop/api`` 0.0.51.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection
from core.deliveries.moments import instant, remember_firsts, remember_passing, written
from core.deliveries.objects import State, objects_named, objects_of, remember
from core.deliveries.reading import arrived_at
from core.money.ledger import record_payment
from core.money.models import Payment
from core.people.timeline import note
from core.platform.advisory_locks import lock_books
from core.providers.provider import PROCESSED, Outcome
from core.providers.signatures import (
    BadSignature,
    check_standard_webhook,
    check_timed_hex,
    sign_standard_webhook,
)
from core.providers.values import first, identifier, mapping, moment, word
from core.providers.whop.payload import (
    TOTAL,
    UNUSABLE,
    account_of,
    facts_in,
    firsts_of,
    generation_of,
    version_of,
)
from core.providers.whop.payments import payment_fact

MONEY = ("payment", "refund", "dispute")
FAMILIES = (*MONEY, "membership")
SUCCEEDED = "payment.succeeded"
ENDED_MEMBERSHIP = "ended membership"
ENDED = {
    "membership.deactivated",
    "membership.went_invalid",
    "membership.cancelled",
    "membership.canceled",
}


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Raises BadSignature unless the delivery is signed: Standard Webhooks today,
    ``x-whop-signature`` for v5 webhooks.

    The key is the literal text of the secret, unlike the generic rule (strip a prefix, decode
    base64). Version 2 webhooks have no documented signature and are refused.
    """
    if older := headers.get("x-whop-signature"):
        check_timed_hex(older, body, secret, now)
    elif "webhook-signature" in headers:
        check_standard_webhook(headers, body, secret.encode(), now)
    else:
        raise BadSignature("no signature")


def sign(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """The headers of a delivery as Whop signs it today; the message id stands in the body too."""
    return sign_standard_webhook(json.loads(body)["id"], body, secret.encode(), at)


def delivery_key(headers: Mapping[str, str], body: bytes) -> str:
    """The message id, which replays keep; v5 has none, so action, object and status stand for it,
    or else the body.
    """
    if message_id := headers.get("webhook-id"):
        return message_id
    try:
        payload = json.loads(body)
        said = payload["data"]
        return (
            f"{payload['action']} {said['id']} {said.get('status')} {said.get('refunded_amount')}"
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return hashlib.sha256(body).hexdigest()


def event_type(payload: dict[str, Any]) -> str | None:
    """``type`` (v1) or ``action`` (v5, v2); some tools write underscores for the first dot."""
    name = payload.get("type") or payload.get("action")
    if not isinstance(name, str):
        return None
    name = name.removeprefix("app_")
    family, _, rest = name.partition("_")
    return f"{family}.{rest}" if "." not in name and family in FAMILIES else name


def handle(db: Session, connection: WebhookConnection, payload: dict[str, Any]) -> Outcome:
    """Store the object's newest state and compute its payment anew from everything known of it."""
    name, said = event_type(payload) or "", mapping(payload.get("data"))
    account = account_of(payload)
    if account and connection.external_account_id and account != connection.external_account_id:
        return Outcome(ignored="it belongs to another Whop account")
    if name in ENDED:
        return _membership_ended(db, connection, said, payload)
    kind = name.partition(".")[0]
    if kind not in MONEY:
        return Outcome(ignored=f"“{name}” is not money")
    if identifier(said) is None:
        return Outcome(ignored=f"the {kind} has no id")
    if kind == "payment" and word(said.get("status")) is None:
        if name != SUCCEEDED:
            return Outcome(ignored="the payment has no status")
        said = said | {"status": "paid"}
    lock_books(db)
    payments = [
        _remember(db, connection, each, stored, payload)
        for each, stored in facts_in(kind, said, payload)
    ]
    key = payments[0]
    fact = payment_fact(connection.id, key, objects_of(db, "whop", key)) if key else None
    if fact is None:
        return Outcome(ignored="kept until the payment it belongs to is known")
    payment = record_payment(db, fact)
    _note_end(db, payment)
    return PROCESSED


def _remember(
    db: Session,
    connection: WebhookConnection,
    kind: str,
    stored: dict[str, Any],
    payload: dict[str, Any],
) -> str | None:
    """The payment that the object belongs to. Generations of a payment are stored apart, because an
    older shape lacks facts (the e-mail) that a newer one had brought.
    """
    external_id, is_payment = str(stored["id"]), kind == "payment"
    payment_id = external_id if is_payment else stored["payment_id"]
    generation = generation_of(payload)
    stored_kind = f"payment {generation}" if is_payment else kind
    version = version_of(kind, stored)
    remember(db, connection, State(stored_kind, external_id, version, stored, payment_id))
    payment_id = payment_id or _payment_of(db, kind, external_id)
    if version != UNUSABLE:
        firsts = firsts_of(kind, generation, stored)
        remember_firsts(db, connection, external_id, firsts, group_key=payment_id)
        _remember_total(db, connection, version, stored)
    return payment_id


def _remember_total(
    db: Session, connection: WebhookConnection, version: str, stored: dict[str, Any]
) -> None:
    """Store how much of the payment had been given back when it was reported."""
    at = instant(stored["updated_at"])
    if at and Decimal(stored.get("refunded_amount") or 0):
        parts = ("seen_at", "updated_at", "refunded_at", "refunded_amount", "currency")
        total = {part: stored[part] for part in parts}
        remember_passing(db, connection, (TOTAL, str(stored["id"])), at, version, total)


def _payment_of(db: Session, kind: str, external_id: str) -> str | None:
    """The payment that an earlier state of the object named."""
    known = objects_named(db, "whop", [(kind, external_id)])
    return next((item.group_key for item in known), None)


def _membership_ended(
    db: Session, connection: WebhookConnection, said: dict[str, Any], payload: dict[str, Any]
) -> Outcome:
    """A cancelled membership is news for whoever sold it: a line on its payments' timelines."""
    membership_id = identifier(said)
    if membership_id is None:
        return Outcome(ignored="the membership has no id")
    lock_books(db)
    dates = (said.get("canceled_at"), said.get("updated_at"), payload.get("timestamp"))
    ended_at = first(map(moment, dates)) or arrived_at(db)
    at = written(ended_at)
    remember(db, connection, State(ENDED_MEMBERSHIP, membership_id, at, {"at": at}))
    sold = select(Payment).where(
        Payment.processor == connection.provider, Payment.membership_key == membership_id
    )
    for payment in db.scalars(sold.order_by(Payment.payment_date, Payment.id)):
        _note_end(db, payment)
    return PROCESSED


def _note_end(db: Session, payment: Payment) -> None:
    """Say on the payment's timeline that its membership has ended, if it has since."""
    if payment.membership_key is None:
        return
    for ended in objects_named(db, "whop", [(ENDED_MEMBERSHIP, payment.membership_key)]):
        at = instant(ended.data["at"])
        if at and payment.payment_date <= at:
            note(
                db,
                "membership_ended",
                "payment",
                payment.id,
                "Membership ended",
                at=at,
                dedupe_key=f"membership ended {payment.id}",
            )
