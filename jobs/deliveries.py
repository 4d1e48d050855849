"""Raw deliveries into rows: tried, tried again with growing pauses, and set aside with a reason when nothing helps."""
from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.deliveries.actions import note_error, note_received
from core.deliveries.models import DeliveryStatus, WebhookConnection, WebhookDelivery
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.log import logger
from core.platform.queue import enqueue
from core.providers.base import provider

log = logger("jobs.deliveries")
MAX_ATTEMPTS = 8
FORGOTTEN_AFTER = timedelta(minutes=5)
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)


def process_delivery(organization_id: UUID, delivery_id: UUID) -> None:
    """Have the provider's module turn one kept delivery into rows. Safe to repeat.

    A delivery that cannot be read is set aside at once; any other failure is raised, so that the queue tries again, until
    ``MAX_ATTEMPTS`` are used up and it is set aside too.
    """
    attempt = _begin(organization_id, delivery_id)
    if attempt is None:
        return
    try:
        with as_system(organization_id) as db:
            _handle(db, delivery_id)
    except UNREADABLE as error:
        _set_aside(organization_id, delivery_id, f"cannot be read: {type(error).__name__} {error}")
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:500]
        if attempt >= MAX_ATTEMPTS:
            _set_aside(organization_id, delivery_id, reason)
            return
        _remember_error(organization_id, delivery_id, reason)
        raise


def _begin(organization_id: UUID, delivery_id: UUID) -> int | None:
    """Count the attempt, and on the first one the delivery; None when the delivery is gone."""
    with as_system(organization_id) as db:
        counted = (
            update(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
            .values(attempts=WebhookDelivery.attempts + 1).returning(WebhookDelivery)
        )
        delivery = db.scalars(counted).first()
        if delivery is not None and delivery.attempts == 1:
            note_received(db, delivery)
        return delivery.attempts if delivery is not None else None


def _handle(db: Session, delivery_id: UUID) -> None:
    delivery = db.scalars(select(WebhookDelivery).where(WebhookDelivery.id == delivery_id).with_for_update()).one()
    connection = db.scalars(select(WebhookConnection).where(WebhookConnection.id == delivery.connection_id)).one()
    outcome = provider(delivery.provider).handle(db, connection, json.loads(delivery.body))
    delivery.status = DeliveryStatus.IGNORED if outcome.ignored else DeliveryStatus.PROCESSED
    delivery.last_error, delivery.processed_at = outcome.ignored, now()


def _set_aside(organization_id: UUID, delivery_id: UUID, reason: str) -> None:
    log.warning("delivery set aside", delivery=str(delivery_id))
    _remember_error(organization_id, delivery_id, reason, DeliveryStatus.DEAD)


def _remember_error(
    organization_id: UUID, delivery_id: UUID, reason: str, status: DeliveryStatus = DeliveryStatus.PENDING
) -> None:
    with as_system(organization_id) as db:
        failed = (
            update(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
            .values(status=status, last_error=reason).returning(WebhookDelivery)
        )
        if (delivery := db.scalars(failed).first()) is not None:
            note_error(db, delivery, reason)


def sweep_deliveries(organization_id: UUID) -> int:
    """Put deliveries back on the queue that wait although no job does; the number of them.

    This happens when a job was lost with a database that was restored, or by hand; an acknowledged delivery is never lost.
    """
    with as_system(organization_id) as db:
        waiting = select(WebhookDelivery.id).where(
            WebhookDelivery.status == DeliveryStatus.PENDING, WebhookDelivery.received_at < now() - FORGOTTEN_AFTER
        )
        return sum(
            enqueue(db, "process_delivery", organization_id, once=f"sweep {delivery_id}", delivery_id=str(delivery_id))
            for delivery_id in db.scalars(waiting)
        )
