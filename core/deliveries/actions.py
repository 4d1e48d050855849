"""Changing connections, and replaying deliveries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from core.deliveries.models import (
    ConnectionActivity,
    DeliveryStatus,
    WebhookConnection,
    WebhookDelivery,
)
from core.deliveries.secrets import store_secret
from core.platform.clock import now
from core.platform.errors import Conflict, NotFound

SIGNING = "signing"
SETTLE = text("""
    update app.webhook_deliveries d
       set status = r.status, event_type = coalesce(left(r.event_type, 255), d.event_type),
           last_error = left(r.reason, 500), failures = 0, is_replay = false,
           processed_at = case when r.status = 'dead' then d.processed_at else :at end,
           body = case when r.is_about_erased then '' else d.body end,
           headers = case when r.is_about_erased then '{}' else d.headers end
      from jsonb_to_recordset(cast(:results as jsonb)) as r (id uuid, status text,
        event_type text, reason text, is_about_erased boolean)
     where d.organization_id = app.cur_org() and d.id = r.id
""")


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
    """Process a stored delivery once more, whatever its status is, after those that are new.

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
    delivery.status, delivery.is_replay, delivery.failures = DeliveryStatus.PENDING, True, 0
    delivery.due_at = None
    db.flush()


def settle(db: Session, results: Sequence[Mapping[str, Any]]) -> None:
    """Store what became of deliveries, by ``id``: ``status``, ``event_type`` and ``reason``. Of one
    that ``is_about_erased`` nothing of what was sent stays.
    """
    asked = {"results": json.dumps(results, default=str), "at": now()}
    db.execute(SETTLE, asked)


def note_error(db: Session, connection_id: UUID, reason: str) -> None:
    """Show on the connection why its latest failed delivery failed."""
    db.execute(
        update(ConnectionActivity)
        .where(ConnectionActivity.connection_id == connection_id)
        .values(last_error=reason, last_error_at=func.now())
    )
