"""Whop webhooks, of every payload generation that can still arrive. Only ``payment.*``,
``refund.*`` and ``dispute.*`` are money.

Facts and traps: Whop developer documentation, ``whop_sdk`` 2.6.0 and ``@whop/api`` 0.0.51.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.deliveries.moments import first_states, instant, passing_state, written
from core.deliveries.objects import Name, State, Stored, objects_named, objects_of, remember
from core.money.ledger import record_payments
from core.money.models import Payment
from core.money.payment_facts import PaymentFact
from core.people.timeline import Line, add_lines
from core.platform.advisory_locks import lock_books
from core.providers.provider import PROCESSED, Delivered, Outcome, not_about
from core.providers.signatures import (
    BadSignature,
    check_standard_webhook,
    check_timed_hex,
    sign_standard_webhook,
)
from core.providers.values import QUICKLY_READ, first, identifier, mapping, moment, word
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
    or else the body: always of a long one, which would take long to read.
    """
    if message_id := headers.get("webhook-id"):
        return message_id
    if len(body) > QUICKLY_READ:
        return hashlib.sha256(body).hexdigest()
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


@dataclass(frozen=True)
class Report:
    """What a delivery says: facts of objects by their kind, or that a membership ended."""

    delivered: Delivered
    facts: Sequence[tuple[str, dict[str, Any]]] = ()
    ended: State | None = None


def handle(db: Session, batch: Sequence[Delivered]) -> list[Outcome]:
    """Store the objects' newest states and compute their payments anew from everything known of
    them.
    """
    read = [_report(delivered) for delivered in batch]
    reports = {place: each for place, each in enumerate(read) if isinstance(each, Report)}
    if not reports:
        return [each for each in read if isinstance(each, Outcome)]
    lock_books(db)
    payment_of = _payments_of(db, reports.values())
    states = [state for each in reports.values() for state in _states(each, payment_of)]
    remember(db, "whop", states)
    concerned = {
        place: payment_of.get(_name(*each.facts[0])) if each.facts else None
        for place, each in reports.items()
    }
    over = {payment: batch[place].connection.id for place, payment in concerned.items() if payment}
    facts = _facts(db, over)
    record_payments(db, list(facts.values()))
    ended = {each.ended.external_id for each in reports.values() if each.ended}
    sold = {fact.membership_key for fact in facts.values() if fact.membership_key}
    _note_ends(db, ended | sold)
    return [
        each
        if isinstance(each, Outcome)
        else PROCESSED
        if each.ended or concerned[place] in facts
        else Outcome(ignored="kept until the payment it belongs to is known")
        for place, each in enumerate(read)
    ]


def _report(delivered: Delivered) -> Outcome | Report:
    payload, connection = delivered.payload, delivered.connection
    name, said = event_type(payload) or "", mapping(payload.get("data"))
    account = account_of(payload)
    if account and connection.external_account_id and account != connection.external_account_id:
        return Outcome(ignored="it belongs to another Whop account")
    if name in ENDED:
        return _ended_membership(delivered, said)
    kind = name.partition(".")[0]
    if kind not in MONEY:
        return not_about(name, "money")
    if identifier(said) is None:
        return Outcome(ignored=f"the {kind} has no id")
    if kind == "payment" and word(said.get("status")) is None:
        if name != SUCCEEDED:
            return Outcome(ignored="the payment has no status")
        said = said | {"status": "paid"}
    return Report(delivered, list(facts_in(kind, said, payload)))


def _ended_membership(delivered: Delivered, said: dict[str, Any]) -> Outcome | Report:
    """A cancelled membership is news for whoever sold it: a line on its payments' timelines."""
    membership_id, arrived = identifier(said), delivered.arrived_at
    if membership_id is None:
        return Outcome(ignored="the membership has no id")
    dates = (
        said.get("canceled_at"),
        said.get("updated_at"),
        delivered.payload.get("timestamp"),
    )
    at = written(first(map(moment, dates)) or arrived)
    state = State(ENDED_MEMBERSHIP, membership_id, at, {"at": at}, arrived)
    return Report(delivered, ended=state)


def _name(kind: str, stored: Mapping[str, Any]) -> Name:
    return kind, str(stored["id"])


def _payments_of(db: Session, reports: Collection[Report]) -> dict[Name, str | None]:
    """Of each object the payment that it belongs to; an earlier state of it may have named it."""
    facts = [each for report in reports for each in report.facts]
    found: dict[Name, str | None] = {}
    for kind, stored in facts:
        named = str(stored["id"]) if kind == "payment" else stored["payment_id"]
        found[_name(kind, stored)] = named or found.get(_name(kind, stored))
    unknown = [name for name, payment in found.items() if payment is None]
    for item in objects_named(db, "whop", unknown):
        found[item.kind, item.external_id] = item.group_key
    return found


def _states(report: Report, payment_of: Mapping[Name, str | None]) -> Iterator[State]:
    """Generations of a payment are stored apart, because an older shape lacks facts (the e-mail)
    that a newer one had brought.
    """
    if report.ended:
        yield report.ended
    generation, arrived = generation_of(report.delivered.payload), report.delivered.arrived_at
    for kind, stored in report.facts:
        name, payment = _name(kind, stored), payment_of[_name(kind, stored)]
        stored_kind = f"payment {generation}" if kind == "payment" else kind
        version = version_of(kind, stored)
        yield State(stored_kind, name[1], version, stored, arrived, payment)
        if version != UNUSABLE:
            yield from first_states(
                name[1], firsts_of(kind, generation, stored), arrived, group_key=payment
            )
            yield from _total(version, stored, arrived)


def _total(version: str, stored: dict[str, Any], arrived: datetime) -> Iterator[State]:
    """How much of the payment had been given back when it was reported."""
    at = instant(stored["updated_at"])
    if at and Decimal(stored.get("refunded_amount") or 0):
        parts = ("seen_at", "updated_at", "refunded_at", "refunded_amount", "currency")
        total = {part: stored[part] for part in parts}
        yield passing_state((TOTAL, str(stored["id"])), at, version, total, arrived)


def _facts(db: Session, payments: Mapping[str, UUID | None]) -> dict[str | None, PaymentFact]:
    """What is known of the payments, by which the connections are named; nothing of one that no
    delivery has described.
    """
    objects: dict[str | None, list[Stored]] = {}
    for item in objects_of(db, "whop", payments):
        objects.setdefault(item.group_key, []).append(item)
    found = (
        payment_fact(connection_id, key, objects.get(key, ()))
        for key, connection_id in payments.items()
    )
    return {fact.key: fact for fact in found if fact}


def _note_ends(db: Session, memberships: Collection[str]) -> None:
    """Say on the timelines of their payments which of the memberships have ended since."""
    if not memberships:
        return
    named = [(ENDED_MEMBERSHIP, key) for key in memberships]
    ends = {item.external_id: item.data["at"] for item in objects_named(db, "whop", named)}
    sold = select(Payment.id, Payment.membership_key, Payment.payment_date).where(
        Payment.processor == "whop", Payment.membership_key.in_(ends)
    )
    lines = (
        Line(
            "membership_ended",
            "payment",
            payment.id,
            "Membership ended",
            at=at,
            dedupe_key=f"membership ended {payment.id}",
        )
        for payment in (db.execute(sold).all() if ends else ())
        if (at := instant(ends[payment.membership_key])) and payment.payment_date <= at
    )
    add_lines(db, lines)
