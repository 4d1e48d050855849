"""Stripe webhooks. Each object's newest state is stored; a payment is computed from all objects of
one payment intent.

Facts and traps: Stripe API 2026-10-28.endive; older shapes are read too, because events come in the
endpoint's version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.deliveries.models import ProviderObject, WebhookConnection
from core.deliveries.objects import objects_of, only, remember
from core.money.ledger import record_payment
from core.money.models import MoneySettings
from core.platform.advisory_locks import advisory_lock
from core.providers.provider import PROCESSED, Outcome
from core.providers.signatures import BadSignature, check_timed_hex, sign_timed_hex
from core.providers.stripe.objects import (
    KEPT,
    group_of,
    invoice_group,
    payment_fact,
    reference,
    version_of,
)
from core.tenancy.organizations.queries import settings_of


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Raises BadSignature unless ``Stripe-Signature`` fits: the key is the whole secret, its
    ``whsec_`` included.
    """
    header = headers.get("stripe-signature")
    if not header:
        raise BadSignature("no signature")
    check_timed_hex(header, body, secret, now)


def sign(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """The headers of a delivery as Stripe signs it."""
    return {"Stripe-Signature": sign_timed_hex(body, secret, at)}


def delivery_key(headers: Mapping[str, str], body: bytes) -> str:
    """The event's id, which stays the same when Stripe retries."""
    try:
        return str(json.loads(body)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return hashlib.sha256(body).hexdigest()


def event_type(payload: dict[str, Any]) -> str | None:
    """The event's ``type``."""
    name = payload.get("type")
    return name if isinstance(name, str) else None


def handle(db: Session, connection: WebhookConnection, payload: dict[str, Any]) -> Outcome:
    """Keep the object's newest state and bring the payments that it concerns to it."""
    stripe_object = (payload.get("data") or {}).get("object") or {}
    kind = stripe_object.get("object")
    if not isinstance(kind, str) or kind not in KEPT:
        return Outcome(ignored=f"“{event_type(payload)}” is not about money")
    if not payload.get("livemode") and not settings_of(db, MoneySettings).accept_test_mode:
        return Outcome(ignored="test mode: nothing is booked")
    account = payload.get("account")
    if account and connection.external_account_id and account != connection.external_account_id:
        return Outcome(ignored="it belongs to another Stripe account")
    advisory_lock(db, "money")
    groups = _keep(db, connection, kind, stripe_object, int(payload["created"]))
    for group in groups:
        _project(db, connection, group)
    return PROCESSED if groups else Outcome(ignored="kept until the payment it belongs to is known")


def _keep(
    db: Session,
    connection: WebhookConnection,
    kind: str,
    stripe_object: dict[str, Any],
    created: int,
) -> list[str]:
    """Remember the object; the groups (payment intents, or charges without one) that may look
    different now.
    """
    group = group_of(kind, stripe_object) or _group_by_charge(db, connection, stripe_object)
    known = only(stripe_object, KEPT[kind])
    remember(
        db,
        connection,
        kind,
        stripe_object["id"],
        version_of(kind, stripe_object, created),
        known,
        group_key=group,
    )
    if kind == "charge" and group:
        _adopt(db, connection, stripe_object["id"], group)
    if kind == "invoice_payment":
        return [group] if group else []
    if kind == "invoice" or group is None:
        return _paid_by(db, connection, stripe_object["id"]) or ([group] if group else [])
    return [group]


def _group_by_charge(
    db: Session, connection: WebhookConnection, stripe_object: dict[str, Any]
) -> str | None:
    """A refund or dispute that names only its charge belongs where the charge does."""
    charge_id = reference(stripe_object.get("charge"))
    if charge_id is None:
        return None
    known = select(ProviderObject.group_key).where(
        ProviderObject.connection_id == connection.id,
        ProviderObject.kind == "charge",
        ProviderObject.external_id == charge_id,
    )
    return db.scalars(known).first() or charge_id


def _adopt(db: Session, connection: WebhookConnection, charge_id: str, group: str) -> None:
    """What arrived before its charge, and so knew only the charge's id, joins the charge's
    group.
    """
    for orphan in objects_of(db, connection.id, charge_id):
        orphan.group_key = group
    db.flush()


def _paid_by(db: Session, connection: WebhookConnection, invoice_id: str) -> list[str]:
    """The groups whose invoice payment names this invoice."""
    links = select(ProviderObject.group_key).where(
        ProviderObject.connection_id == connection.id,
        ProviderObject.kind == "invoice_payment",
        ProviderObject.data["invoice"].astext == invoice_id,
    )
    return [group for group in db.scalars(links) if group]


def _project(db: Session, connection: WebhookConnection, group: str) -> None:
    """Compute the group's payment from everything known of it; too little known is no
    payment yet.
    """
    known = objects_of(db, connection.id, group)
    invoice_ids = [invoice_group(item.data) for item in known if item.kind == "invoice_payment"]
    invoices = (
        select(ProviderObject)
        .where(
            ProviderObject.connection_id == connection.id,
            ProviderObject.kind == "invoice",
            ProviderObject.external_id.in_(invoice_ids),
        )
        .order_by(ProviderObject.external_id)
    )
    fact = payment_fact(connection.id, group, [*known, *db.scalars(invoices)])
    if fact is not None:
        record_payment(db, fact)
