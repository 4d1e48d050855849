"""Whop webhooks, of every payload generation that can still arrive. Only ``payment.*`` and
``refund.*`` are money.

Facts and traps: Whop developer documentation, ``whop_sdk`` 2.6.0 and ``@whop/api`` 0.0.51.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection
from core.deliveries.objects import objects_of, remember
from core.money.ledger import record_payment
from core.money.models import Payment
from core.people.timeline import note
from core.platform.advisory_locks import advisory_lock
from core.providers.provider import PROCESSED, Outcome
from core.providers.signatures import (
    BadSignature,
    check_standard_webhook,
    check_timed_hex,
    sign_standard_webhook,
)
from core.providers.whop.payload import (
    account_of,
    as_stored,
    generation_of,
    payment_fact,
    version_of,
)

MONEY = ("payment.", "refund.")
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
    for family in ("payment", "refund", "membership"):
        name = name.replace(f"app_{family}", family, 1).replace(f"{family}_", f"{family}.", 1)
    return name


def handle(db: Session, connection: WebhookConnection, payload: dict[str, Any]) -> Outcome:
    """Keep the object's newest state and compute its payment anew from everything known of it."""
    name, said = event_type(payload) or "", payload.get("data") or {}
    account = account_of(payload)
    if account and connection.external_account_id and account != connection.external_account_id:
        return Outcome(ignored="it belongs to another Whop account")
    if name in ENDED:
        return _membership_ended(db, connection, said)
    if not name.startswith(MONEY):
        return Outcome(ignored=f"“{name}” is not money")
    advisory_lock(db, "money")
    kind = name.partition(".")[0]
    if kind == "payment" and said.get("status") is None:
        return Outcome(ignored="the payment has no status")
    # Generations are stored apart, because an older shape lacks facts (the e-mail) that a newer one
    # had brought.
    stored = as_stored(said, payload)
    group = stored["id"] if kind == "payment" else stored["payment_id"]
    remember(
        db,
        connection,
        f"{kind} {generation_of(payload)}" if kind == "payment" else kind,
        stored["id"],
        version_of(kind, stored),
        stored,
        group_key=group,
    )
    fact = payment_fact(connection.id, group, objects_of(db, connection.id, group))
    if fact is None:
        return Outcome(ignored="kept until the payment it belongs to is known")
    record_payment(db, fact)
    return PROCESSED


def _membership_ended(db: Session, connection: WebhookConnection, said: dict[str, Any]) -> Outcome:
    """A cancelled membership is news for whoever sold it: a line on its payments' timelines."""
    paid = (
        db.query(Payment)
        .where(Payment.connection_id == connection.id, Payment.membership_key == said.get("id"))
        .order_by(Payment.payment_date)
    )
    for payment in paid:
        note(
            db,
            "membership_ended",
            "payment",
            payment.id,
            "Membership ended",
            dedupe_key=f"membership ended {payment.id}",
        )
    return PROCESSED
