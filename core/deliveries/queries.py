"""The state of the connections, and what arrived over them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Row, case, func, select
from sqlalchemy.orm import Session

from core.deliveries.models import (
    ConnectionActivity,
    DeliveryStatus,
    OutboxMessage,
    WebhookConnection,
    WebhookDelivery,
)
from core.platform.clock import now
from core.platform.dataframes import dataframe, fetched

if TYPE_CHECKING:
    import pandas as pd

SILENT_AFTER = timedelta(days=3)
LISTED = (
    WebhookDelivery.id,
    WebhookDelivery.provider,
    WebhookDelivery.event_type,
    WebhookDelivery.received_at,
    WebhookDelivery.status,
    WebhookDelivery.attempts,
    WebhookDelivery.processed_at,
    WebhookDelivery.last_error,
)


def connections_table(db: Session) -> pd.DataFrame:
    """Every connection by name: how much arrived, waits and failed, and its state.

    Columns: id (UUID), provider, name (str), active (bool), webhook_count (int64), last_webhook_at
    (UTC), last_error (str), last_error_at (UTC), refused_count (int64, since the latest that was
    correctly signed), refused_since (UTC), refusal (str), waiting, dead (int64), health (``off``,
    ``refusing``, ``failing``, ``never used``, ``silent`` or ``well``).
    """
    open_ = _open_deliveries()
    # a genuine delivery or another secret ends it
    since = func.greatest(ConnectionActivity.last_webhook_at, WebhookConnection.updated_at)
    is_refusing = ConnectionActivity.refused_at > since
    query = (
        select(
            WebhookConnection.id,
            WebhookConnection.provider,
            WebhookConnection.name,
            WebhookConnection.active,
            func.coalesce(ConnectionActivity.webhook_count, 0).label("webhook_count"),
            ConnectionActivity.last_webhook_at,
            ConnectionActivity.last_error,
            ConnectionActivity.last_error_at,
            case((is_refusing, ConnectionActivity.refused_count), else_=0).label("refused_count"),
            ConnectionActivity.refused_since,
            ConnectionActivity.refusal,
            func.coalesce(open_.c.waiting, 0).label("waiting"),
            func.coalesce(open_.c.dead, 0).label("dead"),
        )
        .outerjoin(ConnectionActivity, ConnectionActivity.connection_id == WebhookConnection.id)
        .outerjoin(open_, open_.c.connection_id == WebhookConnection.id)
        .order_by(WebhookConnection.name, WebhookConnection.id)
    )
    found = db.execute(query)
    rows = found.all()
    table = dataframe(rows, list(found.keys()))
    table["health"] = [_health(row, now()) for row in rows]
    return table


def _open_deliveries() -> Any:
    def counted(status: DeliveryStatus) -> Any:
        return func.count().filter(WebhookDelivery.status == status)

    return (
        select(
            WebhookDelivery.connection_id,
            counted(DeliveryStatus.PENDING).label("waiting"),
            counted(DeliveryStatus.DEAD).label("dead"),
        )
        .where(WebhookDelivery.status.in_([DeliveryStatus.PENDING, DeliveryStatus.DEAD]))
        .group_by(WebhookDelivery.connection_id)
        .subquery()
    )


def _health(connection: Row[Any], at: datetime) -> str:
    if not connection.active:
        return "off"
    if connection.refused_count:
        return "refusing"
    if connection.dead:
        return "failing"
    if connection.last_webhook_at is None:
        return "never used"
    return "silent" if connection.last_webhook_at < at - SILENT_AFTER else "well"


def recent_deliveries(db: Session, connection_id: UUID, limit: int = 50) -> pd.DataFrame:
    """The connection's latest deliveries, newest first, without their bodies.

    Columns: id (UUID), provider, event_type (str), received_at (UTC), status (str), attempts (int),
    processed_at (UTC), last_error (str: why it failed or was ignored).
    """
    latest = (
        select(*LISTED)
        .where(WebhookDelivery.connection_id == connection_id)
        .order_by(WebhookDelivery.received_at.desc(), WebhookDelivery.id)
        .limit(limit)
    )
    rows = db.execute(latest)
    return fetched(rows)


def recent_messages(db: Session, channel: str, limit: int = 20) -> pd.DataFrame:
    """The latest messages posted to ``channel``, newest first.

    Columns: created_at (UTC), kind, status (str), attempts (int), last_error (str).
    """
    latest = (
        select(
            OutboxMessage.created_at,
            OutboxMessage.kind,
            OutboxMessage.status,
            OutboxMessage.attempts,
            OutboxMessage.last_error,
        )
        .where(OutboxMessage.channel == channel)
        .order_by(OutboxMessage.created_at.desc(), OutboxMessage.id)
        .limit(limit)
    )
    rows = db.execute(latest)
    return fetched(rows)


def dead_letters(db: Session) -> list[Row[Any]]:
    """Every delivery that failed for good, oldest first: the columns of ``recent_deliveries``, and
    ``connection_id``.
    """
    query = select(*LISTED, WebhookDelivery.connection_id).where(
        WebhookDelivery.status == DeliveryStatus.DEAD
    )
    return list(db.execute(query.order_by(WebhookDelivery.received_at, WebhookDelivery.id)))
