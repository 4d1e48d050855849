"""Deleting raw deliveries and links to recordings when their time is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text, update

from core.deliveries.models import DeliverySettings, DeliveryStatus, WebhookDelivery
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.tasks import task
from core.tenancy.organizations.queries import settings_of

BATCH = 5_000


@task(name="forget_deliveries", cron="0 3 * * *", log_success=True)
def forget_old(organization_id: UUID) -> None:
    """Delete what is older than the organisation wants to store it."""
    forget_deliveries(organization_id)
    forget_recordings(organization_id)


def forget_deliveries(organization_id: UUID, at: datetime | None = None) -> int:
    """Empty the raw deliveries that are older than the organisation stores them, except those that
    still wait. Returns how many.
    """
    return _forget(organization_id, at, _empty_some)


def forget_recordings(organization_id: UUID, at: datetime | None = None) -> int:
    """Remove the links to recordings from forms that are older than that, and from the audit log.
    Returns how many.
    """
    return _forget(organization_id, at, _unlink_some)


def _forget(
    organization_id: UUID, at: datetime | None, some: Callable[[UUID, datetime], int]
) -> int:
    with as_system(organization_id) as db:
        days = settings_of(db, DeliverySettings).raw_delivery_days
    forgotten = 0
    while days is not None and (
        gone := some(organization_id, (at or now()) - timedelta(days=days))
    ):
        forgotten += gone
    return forgotten


def _unlink_some(organization_id: UUID, before: datetime) -> int:
    with as_system(organization_id) as db:
        return db.execute(
            text("select app.forget_recordings(:before, :most)"), {"before": before, "most": BATCH}
        ).scalar_one()


def _empty_some(organization_id: UUID, before: datetime) -> int:
    old = select(WebhookDelivery.id).where(
        WebhookDelivery.received_at < before,
        WebhookDelivery.body != b"",
        WebhookDelivery.status.not_in([DeliveryStatus.PENDING, DeliveryStatus.HELD]),
    )
    emptied = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(old.limit(BATCH)))
        .values(body=b"", headers={})
    )
    with as_system(organization_id) as db:
        return len(db.scalars(emptied.returning(WebhookDelivery.id)).all())
