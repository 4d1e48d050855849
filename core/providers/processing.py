"""Raw deliveries into rows: tried, tried again with growing pauses, and set aside with a reason
when nothing helps.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.models import BookingSettings
from core.deliveries import tasks
from core.deliveries.actions import note_error, note_received
from core.deliveries.models import DeliveryStatus, WebhookConnection, WebhookDelivery
from core.deliveries.reading import note_arrival, read_payload
from core.people.erasure import without_erased
from core.platform.advisory_locks import share_organization
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import NotFound
from core.platform.log import logger
from core.platform.tasks import MAX_ATTEMPTS, implements
from core.providers import registry
from core.providers.client import Client
from core.providers.credentials import client_of
from core.providers.integrations import access_to
from core.providers.values import Unreadable
from core.tenancy.organizations.queries import settings_of

log = logger("jobs.deliveries")
UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    RecursionError,
    ArithmeticError,
)


@implements(tasks.process_delivery)
def process_delivery(organization_id: UUID, delivery_id: UUID, *, attempt: int = 1) -> None:
    """Have the provider's module turn one stored delivery into rows. Safe to repeat.

    A delivery that cannot be read is set aside at once; any other failure is raised, so that the
    queue tries again, until ``MAX_ATTEMPTS`` are used up and it is set aside too.
    """
    if attempt > MAX_ATTEMPTS:  # the worker was killed each time, so no attempt could say why
        _note_failure(
            organization_id, delivery_id, "no attempt came to an end", DeliveryStatus.DEAD
        )
        return
    try:
        _turn_into_rows(organization_id, delivery_id)
    except UNREADABLE as error:
        _note_failure(
            organization_id,
            delivery_id,
            f"cannot be read: {_sentence(error)}",
            DeliveryStatus.DEAD,
        )
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        if attempt == MAX_ATTEMPTS:
            _note_failure(organization_id, delivery_id, reason, DeliveryStatus.DEAD)
            return
        _note_failure(organization_id, delivery_id, reason, DeliveryStatus.PENDING)
        raise


def _sentence(error: Exception) -> str:
    """What a provider's module says of it, or else what Python does."""
    return str(error) if isinstance(error, Unreadable) else f"{type(error).__name__} {error}"


def _turn_into_rows(organization_id: UUID, delivery_id: UUID) -> None:
    """In one transaction, or where the provider must be asked first, in one before and one after
    its answer.
    """
    with as_system(organization_id) as db:
        share_organization(db)  # an erasure comes before or after it
        delivery = _locked(db, delivery_id)
        if delivery is None:
            return
        fetch = registry.inbound(delivery.provider).fetch
        if fetch is None:
            _handle(db, delivery)
            return
        sent, client = read_payload(delivery.body), _client(db, delivery.provider)
    with client:
        fetched = fetch(client, sent)
    with as_system(organization_id) as db:
        share_organization(db)
        delivery = _locked(db, delivery_id)
        if delivery is not None:
            _handle(db, delivery, fetched)


def _client(db: Session, provider: str) -> Client:
    access = access_to(db, provider)
    if access is None:
        raise NotFound(f"No key of {registry.provider(provider).label} is stored to ask it with.")
    return client_of(provider, access.secret, access.settings)


def _handle(db: Session, delivery: WebhookDelivery, fetched: Any = None) -> None:
    connection = db.scalars(
        select(WebhookConnection).where(WebhookConnection.id == delivery.connection_id)
    ).one()
    received = delivery.body
    payload, inbound = _read(db, delivery), registry.inbound(delivery.provider)
    note_arrival(db, delivery.received_at)
    delivery.event_type = inbound.event_type(payload)
    about = payload if fetched is None else _without_erased(db, fetched)
    outcome = inbound.handle(db, connection, about)
    delivery.status = DeliveryStatus.IGNORED if outcome.ignored else DeliveryStatus.PROCESSED
    delivery.last_error, delivery.processed_at = outcome.ignored, now()
    if delivery.body != received:  # somebody who was erased is in it, and the rows are made
        delivery.body = b""
    _count(db, delivery)


def _read(db: Session, delivery: WebhookDelivery) -> Any:
    """The payload. People who were erased are taken out of it and of the stored delivery before
    anything is made of it.
    """
    received = read_payload(delivery.body)
    payload = _without_erased(db, received)
    if payload is not received:
        delivery.body, delivery.headers = json.dumps(payload).encode(), {}
    return payload


def _without_erased(db: Session, payload: Any) -> Any:
    question = settings_of(db, BookingSettings).setter_question
    return without_erased(db, payload, registry.person_fields(), kept_question=question)


def _locked(db: Session, delivery_id: UUID) -> WebhookDelivery | None:
    return db.scalars(
        select(WebhookDelivery).where(WebhookDelivery.id == delivery_id).with_for_update()
    ).first()


def _count(db: Session, delivery: WebhookDelivery) -> None:
    """Count the attempt, and on the first one the delivery; last in its transaction, since all
    deliveries of a connection count in one row.
    """
    delivery.attempts += 1
    if delivery.attempts == 1:
        note_received(db, delivery)


def _note_failure(
    organization_id: UUID, delivery_id: UUID, reason: str, status: DeliveryStatus
) -> None:
    log.warning("delivery failed", delivery=str(delivery_id), status=status)
    with as_system(organization_id) as db:
        delivery = _locked(db, delivery_id)
        if delivery is None:
            return
        delivery.status, delivery.last_error = status, reason[:500]
        # People who were erased are taken out of what is stored, whatever else went wrong.
        with suppress(*UNREADABLE):
            _read(db, delivery)
        _count(db, delivery)
        db.flush()
        note_error(db, delivery, reason[:500])
