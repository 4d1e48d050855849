"""Stripe webhooks. Each object's newest state is stored; a payment is computed from all objects
that are linked with its payment intent, its charge or, when it was paid elsewhere, its invoice.

Facts and traps: Stripe API 2026-10-28.endive; older shapes are read too, because events come in the
endpoint's version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection
from core.deliveries.moments import firsts_named, remember_firsts, remember_passing
from core.deliveries.objects import Name, State, link, objects_named, objects_of, only, remember
from core.money.ledger import record_payment
from core.money.models import MoneySettings
from core.platform.advisory_locks import lock_books
from core.providers.provider import PROCESSED, Outcome
from core.providers.signatures import BadSignature, check_timed_hex, sign_timed_hex
from core.providers.stripe.objects import (
    FIRSTS,
    GIVEN_BACK,
    KEPT,
    MONEY,
    PAPERS,
    PASSING,
    UNUSABLE,
    firsts_of,
    names_about,
    objects_in,
    passing_state,
    payments_about,
    targets_of,
    version_of,
)
from core.providers.stripe.payments import payment_fact
from core.providers.values import identifier, mapping, moment
from core.tenancy.organizations.queries import settings_of

GROUPED = (*MONEY, *PAPERS, *GIVEN_BACK)
UNKNOWN_YET = "kept until the payment it belongs to is known"


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
    """Store the newest state of every object in the event and bring the payments that they concern
    to it.
    """
    stripe_object = mapping(mapping(payload.get("data")).get("object"))
    found = list(objects_in(stripe_object))
    if not found:
        return Outcome(ignored=f"“{event_type(payload)}” is not about money")
    if _is_test(payload, stripe_object) and not settings_of(db, MoneySettings).accept_test_mode:
        return Outcome(ignored="test mode: nothing is booked")
    account = identifier(payload.get("account"))
    if account and connection.external_account_id and account != connection.external_account_id:
        return Outcome(ignored="it belongs to another Stripe account")
    lock_books(db)
    happened = moment(payload.get("created"))
    at = happened.replace(microsecond=0) if happened else None
    names = [_remember(db, connection, event_type(payload), each, at) for each in found]
    booked = [_book(db, connection, payment) for payment in payments_about(db, names)]
    return PROCESSED if any(booked) else Outcome(ignored=UNKNOWN_YET)


def _is_test(payload: dict[str, Any], stripe_object: dict[str, Any]) -> bool:
    return False in (payload.get("livemode"), stripe_object.get("livemode"))


def _remember(
    db: Session,
    connection: WebhookConnection,
    event: str | None,
    stripe_object: dict[str, Any],
    at: datetime | None,
) -> Name:
    kind, external_id = name = stripe_object["object"], str(identifier(stripe_object))
    second = int(at.timestamp()) if at else 0
    version = version_of(kind, stripe_object, second)
    state = only(stripe_object, KEPT[kind]) | {"as_of": second or None}
    remember(db, connection, State(kind, external_id, version, state))
    link(db, connection, name, targets_of(kind, stripe_object))
    if at and version != UNUSABLE:
        firsts = firsts_of(event, kind, stripe_object, at)
        remember_firsts(db, connection, external_id, firsts)
        then = passing_state(kind, stripe_object)
        if then is not None:
            remember_passing(db, connection, name, at, version, then)
    return name


def _book(db: Session, connection: WebhookConnection, payment: Name) -> bool:
    """Compute the payment from everything known of it; False while that is too little."""
    objects = objects_named(db, "stripe", names_about(db, payment))
    if not objects:
        return False
    keys = [item.external_id for item in objects]
    objects += objects_named(db, "stripe", firsts_named(keys, FIRSTS))
    objects += objects_of(db, "stripe", *keys, kinds=PASSING)
    fact = payment_fact(payment, objects, connection.id)
    if fact is None:
        return False
    for item in objects:
        if item.kind in GROUPED:
            item.group_key = payment[1]
    record_payment(db, fact)
    return True
