"""Stripe webhooks. Each object's newest state is stored; a payment is computed from all objects
that are linked with its payment intent, its charge or, when it was paid elsewhere, its invoice.

Facts and traps: Stripe API 2026-10-28.endive; older shapes are read too, because events come in the
endpoint's version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy.orm import Session

from core.deliveries.moments import first_states, firsts_named, passing_state
from core.deliveries.objects import (
    Name,
    State,
    Stored,
    link,
    objects_named,
    objects_of,
    only,
    put_into_groups,
    remember,
)
from core.money.ledger import record_payments
from core.money.models import MoneySettings
from core.money.payment_facts import PaymentFact
from core.platform.advisory_locks import lock_books
from core.providers.provider import PROCESSED, Delivered, Outcome, not_about
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
    passing_facts,
    payments_about,
    targets_of,
    version_of,
)
from core.providers.stripe.payments import payment_fact
from core.providers.values import QUICKLY_READ, identifier, mapping, moment, number
from core.tenancy.organizations.queries import settings_of

GROUPED = (*MONEY, *PAPERS, *GIVEN_BACK)
AMOUNTS = ("amount", "amount_captured", "amount_refunded", "amount_received", "amount_paid")
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
    """The event's id, which stays the same when Stripe retries. Events begin with it, so of a long
    one only the beginning is read.
    """
    try:
        if len(body) > QUICKLY_READ:
            return str(from_json(body[:QUICKLY_READ], allow_partial=True)["id"])
        return str(json.loads(body)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return hashlib.sha256(body).hexdigest()


def event_type(payload: dict[str, Any]) -> str | None:
    """The event's ``type``."""
    name = payload.get("type")
    return name if isinstance(name, str) else None


@dataclass(frozen=True)
class Report:
    """What a delivery says of Stripe's objects."""

    names: list[Name]
    states: list[State]
    links: list[tuple[Name, Name]]


def handle(db: Session, batch: Sequence[Delivered]) -> list[Outcome]:
    """Store the newest state of every object in the events and bring the payments that they concern
    to it.
    """
    accept_test_mode = settings_of(db, MoneySettings).accept_test_mode
    read = [_report(delivered, accept_test_mode) for delivered in batch]
    reports = {place: each for place, each in enumerate(read) if isinstance(each, Report)}
    if reports:
        lock_books(db)
        remember(db, "stripe", [state for each in reports.values() for state in each.states])
        link(db, "stripe", [pair for each in reports.values() for pair in each.links])
    concerned = payments_about(db, {place: each.names for place, each in reports.items()})
    over = {
        payment: batch[place].connection.id
        for place, payments in concerned.items()
        for payment in payments
    }
    booked = _book(db, over) if over else set()
    return [
        each
        if isinstance(each, Outcome)
        else Outcome(ignored=UNKNOWN_YET)
        if booked.isdisjoint(concerned[place])
        else PROCESSED
        for place, each in enumerate(read)
    ]


def _report(delivered: Delivered, accept_test_mode: bool) -> Outcome | Report:
    payload, connection = delivered.payload, delivered.connection
    stripe_object = mapping(mapping(payload.get("data")).get("object"))
    found = list(objects_in(stripe_object))
    if not found:
        return _not_money(event_type(payload))
    if _is_test(payload, stripe_object) and not accept_test_mode:
        return Outcome(ignored="test mode: nothing is booked")
    account = identifier(payload.get("account"))
    if account and connection.external_account_id and account != connection.external_account_id:
        return Outcome(ignored="it belongs to another Stripe account")
    happened = moment(payload.get("created"))
    at = happened.replace(microsecond=0) if happened else None
    report = Report([], [], [])
    for each in found:
        _add_object(report, delivered, each, at)
    return report


def _not_money(name: str | None) -> Outcome:
    kind = (name or "").rpartition(".")[0].replace(".", "_")
    if any(kind.startswith(each.replace(".", "_")) for each in KEPT if each != "customer"):
        return Outcome(ignored=f"“{name}” comes without a {kind.replace('_', ' ')} that has an id")
    return not_about(name, "money")


def _is_test(payload: dict[str, Any], stripe_object: dict[str, Any]) -> bool:
    return False in (payload.get("livemode"), stripe_object.get("livemode"))


def _add_object(
    report: Report, delivered: Delivered, stripe_object: dict[str, Any], at: datetime | None
) -> None:
    for amount in AMOUNTS:  # one that cannot be read spoils no payment that it belongs to
        number(stripe_object.get(amount), amount)
    kind, external_id = name = stripe_object["object"], str(identifier(stripe_object))
    second, arrived = int(at.timestamp()) if at else 0, delivered.arrived_at
    version = version_of(kind, stripe_object, second)
    state = only(stripe_object, KEPT[kind]) | {"as_of": second or None}
    report.names.append(name)
    report.states.append(State(kind, external_id, version, state, arrived))
    report.links.extend((name, target) for target in targets_of(kind, stripe_object))
    if at and version != UNUSABLE:
        firsts = firsts_of(event_type(delivered.payload), kind, stripe_object, at)
        report.states.extend(first_states(external_id, firsts, arrived))
        then = passing_facts(kind, stripe_object)
        if then is not None:
            report.states.append(passing_state(name, at, version, then, arrived))


def _book(db: Session, payments: Mapping[Name, UUID | None]) -> set[Name]:
    """Compute the payments, by which the connections are named, from everything known of them.
    Returns those of which enough is known.
    """
    names = names_about(db, payments)
    every = {(item.kind, item.external_id): item for item in _objects(db, names)}
    passing = _by_group(objects_of(db, "stripe", {key for _, key in every}, PASSING))
    facts: dict[Name, PaymentFact] = {}
    groups: dict[Name, str] = {}
    for payment, connection_id in payments.items():
        objects = [every[name] for name in sorted(names[payment] & every.keys())]
        if not objects:
            continue
        keys = [item.external_id for item in objects]
        firsts = [every[name] for name in firsts_named(keys, FIRSTS) if name in every]
        then = [item for key in set(keys) for item in passing.get(key, ())]
        then.sort(key=lambda item: (item.kind, item.external_id))
        fact = payment_fact(payment, [*objects, *firsts, *then], connection_id)
        if fact is not None:
            facts[payment] = fact
            groups |= {
                (item.kind, item.external_id): payment[1]
                for item in objects
                if item.kind in GROUPED
            }
    put_into_groups(db, "stripe", groups)
    record_payments(db, list(facts.values()))
    return set(facts)


def _objects(db: Session, names: Mapping[Name, set[Name]]) -> list[Stored]:
    """The objects of these names, and when they were first reported."""
    every = set().union(*names.values())
    return objects_named(db, "stripe", every | set(firsts_named({key for _, key in every}, FIRSTS)))


def _by_group(objects: Iterable[Stored]) -> dict[str | None, list[Stored]]:
    groups: dict[str | None, list[Stored]] = {}
    for item in objects:
        groups.setdefault(item.group_key, []).append(item)
    return groups
