"""One batch of raw deliveries into rows: read, without people who were erased, and handed to the
modules of their providers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.deliveries.actions import note_error, settle
from core.deliveries.models import DeliveryStatus, WebhookConnection, WebhookDelivery
from core.deliveries.reading import read_payload
from core.platform.advisory_locks import share_organization
from core.platform.database import as_system
from core.platform.errors import NotFound
from core.providers import registry
from core.providers.client import Client
from core.providers.credentials import client_of
from core.providers.delivery_failures import WAIT_BRIEFLY, cleaned
from core.providers.erased import without_erased_people
from core.providers.integrations import access_to
from core.providers.payloads import TEST_DELIVERY
from core.providers.provider import Delivered, Outcome, Use
from core.providers.reasons import UNREADABLE, sentence_of
from core.providers.values import Unreadable

WAITING = select(
    WebhookDelivery.id,
    WebhookDelivery.connection_id,
    WebhookDelivery.provider,
    WebhookDelivery.body,
    WebhookDelivery.received_at,
).where(WebhookDelivery.status == DeliveryStatus.PENDING)
IN_ORDER = (WebhookDelivery.received_at, WebhookDelivery.id)


@dataclass(frozen=True)
class Result:
    """What became of a delivery; ``reason`` says why it is not processed. Of one that mentions
    somebody who was erased, nothing is stored any more.
    """

    status: DeliveryStatus
    event_type: str | None = None
    reason: str | None = None
    is_about_erased: bool = False


def is_asked_for(delivery: Any) -> bool:
    """Whether its provider must be asked what the delivery is about."""
    inbound = registry.find_inbound(delivery.provider)
    return inbound is not None and inbound.fetch is not None


def turn_into_rows(organization_id: UUID, delivery_ids: Sequence[UUID]) -> None:
    """In one transaction, or where the provider must be asked first, in one before and one after
    its answer.
    """
    with as_system(organization_id) as db:
        db.execute(WAIT_BRIEFLY)
        share_organization(db)  # an erasure comes before or after it
        waiting = _locked(db, delivery_ids)
        asked = [row for row in waiting if is_asked_for(row)]
        if not asked:
            _handle(db, waiting, {})
            return
        questions = [(row, read_payload(row.body), _client(db, row.provider)) for row in asked]
    fetched = {row.id: _fetched(row.provider, sent, client) for row, sent, client in questions}
    with as_system(organization_id) as db:
        db.execute(WAIT_BRIEFLY)
        share_organization(db)
        _handle(db, _locked(db, delivery_ids), fetched)


def _client(db: Session, provider: str) -> Client:
    access = access_to(db, provider)
    if access is None:
        raise NotFound(f"No key of {registry.provider(provider).label} is stored to ask it with.")
    return client_of(provider, access.secret, access.settings)


def _fetched(provider: str, sent: Any, client: Client) -> Any:
    fetch = registry.inbound(provider).fetch
    assert fetch is not None
    with client:
        return fetch(client, sent)


def _locked(db: Session, delivery_ids: Sequence[UUID]) -> list[Any]:
    """Those of the deliveries that still wait, in the order in which they arrived."""
    named = WAITING.where(WebhookDelivery.id.in_(delivery_ids)).order_by(*IN_ORDER)
    return list(db.execute(named.with_for_update()))


def _handle(db: Session, waiting: Sequence[Any], fetched: Mapping[UUID, Any]) -> None:
    """Have each provider's module work on its deliveries: those of bookings first, to which
    payments are attributed.
    """
    results, readable = _read(db, waiting)
    connections = _connections(db, {row.connection_id for row in waiting})
    for provider in sorted({row.provider for row in waiting if row.id in readable}, key=_place):
        inbound = registry.inbound(provider)
        rows = [row for row in waiting if row.provider == provider and row.id in readable]
        about = {row.id: fetched.get(row.id, readable[row.id]) for row in rows}
        if fetched:
            about = dict(zip(about, without_erased_people(db, list(about.values())), strict=True))
        batch = [
            Delivered(connections[row.connection_id], about[row.id], row.received_at)
            for row in rows
        ]
        for row, outcome in zip(rows, inbound.handle(db, batch), strict=True):
            is_about_erased = results[row.id].is_about_erased
            results[row.id] = _result(results[row.id].event_type, outcome, is_about_erased)
    _settle(db, waiting, results)


def _place(provider: str) -> tuple[bool, str]:
    return registry.provider(provider).use != Use.BOOKINGS, provider


def _connections(db: Session, ids: set[UUID]) -> dict[UUID, WebhookConnection]:
    known = select(WebhookConnection).where(WebhookConnection.id.in_(ids))
    return {each.id: each for each in db.scalars(known)}


def _read(db: Session, waiting: Sequence[Any]) -> tuple[dict[UUID, Result], dict[UUID, Any]]:
    """What is known of each so far, and the payloads of those that can be read. People who were
    erased are taken out before anything is made of them.
    """
    results: dict[UUID, Result] = {}
    received: dict[UUID, Any] = {}
    for row in waiting:
        try:
            received[row.id] = read_payload(row.body)
            inbound = registry.find_inbound(row.provider)
            if inbound is None:
                raise Unreadable(f"deliveries of {row.provider} are received no more")
            named = inbound.event_type(received[row.id])
            is_test = named == TEST_DELIVERY
            status = DeliveryStatus.TEST if is_test else DeliveryStatus.PENDING
            results[row.id] = Result(status, named)
        except UNREADABLE as error:
            reason, _ = cleaned(db, sentence_of(error), received.get(row.id))
            results[row.id] = Result(DeliveryStatus.DEAD, reason=reason[:500])
    payloads = dict(zip(received, without_erased_people(db, list(received.values())), strict=True))
    for delivery_id, before in received.items():
        if payloads[delivery_id] is not before:
            results[delivery_id] = replace(results[delivery_id], is_about_erased=True)
    waits = DeliveryStatus.PENDING
    readable = {id_: payload for id_, payload in payloads.items() if results[id_].status == waits}
    return results, readable


def _result(event_type: str | None, outcome: Outcome, is_about_erased: bool) -> Result:
    status = DeliveryStatus.IGNORED if outcome.ignored else DeliveryStatus.PROCESSED
    return Result(status, event_type, outcome.ignored, is_about_erased)


def _settle(db: Session, waiting: Sequence[Any], results: Mapping[UUID, Result]) -> None:
    settle(
        db,
        [
            {
                "id": delivery_id,
                "status": result.status,
                "event_type": result.event_type,
                "reason": result.reason,
                "is_about_erased": result.is_about_erased,
            }
            for delivery_id, result in results.items()
        ],
    )
    failed = {
        row.connection_id: results[row.id].reason or ""
        for row in waiting
        if results[row.id].status == DeliveryStatus.DEAD
    }
    for connection_id in sorted(failed):  # two workers wait for each other in one order
        note_error(db, connection_id, failed[connection_id])
