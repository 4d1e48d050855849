"""Commands that look after an installation: migrate, demo, doctor, deliveries, samples."""
from __future__ import annotations

from argparse import Namespace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.deliveries.actions import replay
from core.deliveries.models import DeliveryStatus, WebhookConnection, WebhookDelivery
from core.migrations.upgrade import migrate
from core.operations.commands import organization_named
from core.operations.samples import send_samples
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import InvalidInput

Answer = dict[str, Any]


def migrate_command(_: Namespace) -> Answer:
    migrate()
    return {"migrated": True}


def replay_command(args: Namespace) -> Answer:
    """Process deliveries again: the dead ones, or every one since an instant."""
    organization_id = organization_named(args.org)
    wanted = select(WebhookDelivery.id).order_by(WebhookDelivery.received_at)
    if args.connection:
        wanted = wanted.where(WebhookDelivery.connection_id == args.connection)
    wanted = wanted.where(
        WebhookDelivery.received_at >= _instant(args.since) if args.since else WebhookDelivery.status == DeliveryStatus.DEAD
    )
    with as_system(organization_id) as db:
        found = list(db.scalars(wanted))
        for delivery_id in found:
            replay(db, delivery_id)
    return {"organization_id": str(organization_id), "replayed": len(found)}


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"“{text}” is not an instant; write it like 2026-11-02T15:00:00+00:00.", field="since") from error
    return at if at.tzinfo else at.replace(tzinfo=now().tzinfo)


def dead_letters_command(args: Namespace) -> Answer:
    """The deliveries that every retry failed on, newest first."""
    organization_id = organization_named(args.org)
    with as_system(organization_id) as db:
        dead = db.execute(
            select(WebhookDelivery, WebhookConnection.name)
            .join(
                WebhookConnection,
                (WebhookConnection.organization_id == WebhookDelivery.organization_id)
                & (WebhookConnection.id == WebhookDelivery.connection_id),
            )
            .where(WebhookDelivery.status == DeliveryStatus.DEAD)
            .order_by(WebhookDelivery.received_at.desc())
        ).all()
    items = [
        {
            "id": str(delivery.id), "provider": delivery.provider, "connection": name, "event_type": delivery.event_type,
            "received_at": delivery.received_at.isoformat(), "attempts": delivery.attempts, "reason": delivery.last_error,
        }
        for delivery, name in dead
    ]
    return {"organization_id": str(organization_id), "count": len(items), "items": items}


def send_samples_command(args: Namespace) -> Answer:
    return send_samples(organization_named(args.org), args.url)


