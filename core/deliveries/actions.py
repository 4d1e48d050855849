"""Changing connections, and replaying deliveries."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.deliveries.models import (
    ConnectionActivity,
    DeliveryStatus,
    WebhookConnection,
    WebhookDelivery,
)
from core.deliveries.secrets import store_secret
from core.deliveries.tasks import process_delivery
from core.platform.errors import Conflict, NotFound

SIGNING = "signing"


def rotate_secret(db: Session, connection_id: UUID, secret: str) -> None:
    """Replace the signing secret. From now on deliveries signed with the old one are refused.
    Raises NotFound.
    """
    connection = _changed(db, connection_id)
    store_secret(db, connection.provider, connection.id, SIGNING, secret)


def set_active(db: Session, connection_id: UUID, active: bool) -> None:
    """Switch a connection on or off; while it is off, the receiver answers as if it did not exist.
    Raises NotFound.
    """
    _changed(db, connection_id).active = active
    db.flush()


def _changed(db: Session, connection_id: UUID) -> WebhookConnection:
    """The connection, with a new revision, so that receivers that remember the old one verify
    again.
    """
    connection = db.scalars(
        select(WebhookConnection).where(WebhookConnection.id == connection_id)
    ).first()
    if connection is None:
        raise NotFound("There is no such connection.")
    connection.revision += 1
    return connection


def replay(db: Session, delivery_id: UUID) -> None:
    """Process a stored delivery once more, whatever its status is.

    Raises:
        NotFound: no such delivery.
        Conflict: its body was deleted after the number of days that the organisation chose.
    """
    delivery = db.scalars(select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)).first()
    if delivery is None:
        raise NotFound("There is no such delivery.")
    if not delivery.body:
        raise Conflict(
            "The text of this delivery is no longer kept, so it cannot be processed again."
        )
    delivery.status = DeliveryStatus.PENDING
    db.flush()
    process_delivery.later(db, delivery.id)


def note_received(db: Session, delivery: WebhookDelivery) -> None:
    """Count a delivery on its connection; called once for each, by the first worker that processes
    it.
    """
    count = insert(ConnectionActivity).values(
        organization_id=delivery.organization_id,
        connection_id=delivery.connection_id,
        webhook_count=1,
        last_webhook_at=delivery.received_at,
    )
    db.execute(
        count.on_conflict_do_update(
            index_elements=["organization_id", "connection_id"],
            set_={
                "webhook_count": ConnectionActivity.webhook_count + 1,
                "last_webhook_at": func.greatest(
                    ConnectionActivity.last_webhook_at, count.excluded.last_webhook_at
                ),
            },
        )
    )


def note_error(db: Session, delivery: WebhookDelivery, reason: str) -> None:
    """Show on the connection why its latest failed delivery failed."""
    db.execute(
        update(ConnectionActivity)
        .where(ConnectionActivity.connection_id == delivery.connection_id)
        .values(last_error=reason, last_error_at=func.now())
    )
