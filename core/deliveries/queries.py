"""The state of the connections, and what arrived over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, Row, case, cast, func, or_, select
from sqlalchemy.orm import Session

from core.deliveries.models import (
    BOTH_VALID_FOR,
    ConnectionActivity,
    DeliveryStatus,
    OutboxMessage,
    WebhookConnection,
    WebhookDelivery,
)
from core.platform.clock import Period, now
from core.platform.dataframes import dataframe, fetched, records
from core.platform.paging import Order, order_by

if TYPE_CHECKING:
    import pandas as pd

SILENT_AFTER = timedelta(days=3)
OPEN = (DeliveryStatus.PENDING, DeliveryStatus.HELD, DeliveryStatus.DEAD)
LATEST = 2_000  # deliveries in which kinds are looked for
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

    Columns: id (UUID), provider, name (str), active (bool), webhook_count (int64, with those that
    no worker has taken yet), last_webhook_at (UTC), last_error (str), last_error_at (UTC),
    refused_count (int64, since the latest that was correctly signed), refused_since (UTC), refusal
    (str), tested_at (UTC), test_error (str), waiting, held, dead (int64), health (``off``,
    ``paused``, ``refusing``, ``failing``, ``never used``, ``silent`` or ``well``). Those that were
    deleted are left out.
    """
    return _connections(db, WebhookConnection.deleted_at.is_(None))


def connection_state(db: Session, connection_id: UUID) -> dict[str, Any] | None:
    """The row of one connection, also of one that was deleted (health ``deleted``)."""
    rows = records(_connections(db, WebhookConnection.id == connection_id))
    return rows[0] if rows else None


def deleted_connections(db: Session) -> list[Row[Any]]:
    """Those that were deleted, the latest first: id and name."""
    query = select(WebhookConnection.id, WebhookConnection.name).where(
        WebhookConnection.deleted_at.is_not(None)
    )
    return list(db.execute(query.order_by(WebhookConnection.deleted_at.desc())))


def _connections(db: Session, condition: ColumnElement[bool]) -> pd.DataFrame:
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
            WebhookConnection.paused_at,
            WebhookConnection.deleted_at,
            (
                func.coalesce(ConnectionActivity.webhook_count, 0)
                + func.coalesce(open_.c.untaken, 0)
            ).label("webhook_count"),
            ConnectionActivity.last_webhook_at,
            ConnectionActivity.last_error,
            ConnectionActivity.last_error_at,
            case((is_refusing, ConnectionActivity.refused_count), else_=0).label("refused_count"),
            ConnectionActivity.refused_since,
            ConnectionActivity.refusal,
            ConnectionActivity.tested_at,
            ConnectionActivity.test_error,
            func.coalesce(open_.c.waiting, 0).label("waiting"),
            func.coalesce(open_.c.held, 0).label("held"),
            func.coalesce(open_.c.dead, 0).label("dead"),
        )
        .outerjoin(ConnectionActivity, ConnectionActivity.connection_id == WebhookConnection.id)
        .outerjoin(open_, open_.c.connection_id == WebhookConnection.id)
        .where(condition)
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
            counted(DeliveryStatus.HELD).label("held"),
            counted(DeliveryStatus.DEAD).label("dead"),
            func.count().filter(WebhookDelivery.attempts == 0).label("untaken"),
        )
        .where(WebhookDelivery.status.in_(OPEN))
        .group_by(WebhookDelivery.connection_id)
        .subquery()
    )


def _health(connection: Any, at: datetime) -> str:
    if connection.deleted_at is not None:
        return "deleted"
    if not connection.active:
        return "off"
    if connection.paused_at is not None:
        return "paused"
    if connection.refused_count:
        return "refusing"
    if connection.dead:
        return "failing"
    if not connection.webhook_count:
        return "never used"
    if connection.last_webhook_at is None:
        return "well"
    return "silent" if connection.last_webhook_at < at - SILENT_AFTER else "well"


@dataclass(frozen=True)
class DeliveryFilter:
    """Deliveries of a connection. ``search`` is an address, an id, or another part of what the
    provider sent.
    """

    connection_id: UUID
    period: Period | None = None
    states: Sequence[DeliveryStatus] = ()
    event_types: Sequence[str] = ()
    search: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        conditions = [WebhookDelivery.connection_id == self.connection_id]
        if self.period is not None:
            conditions.append(self.period.covers(WebhookDelivery.received_at))
        if self.states:
            conditions.append(WebhookDelivery.status.in_(self.states))
        if self.event_types:
            conditions.append(WebhookDelivery.event_type.in_(self.event_types))
        if text := self.search.strip():
            conditions.append(_mentions(text))
        return conditions


def _mentions(text: str) -> ColumnElement[bool]:
    """Bytes outside of ASCII are written alike on both sides."""
    body = func.encode(WebhookDelivery.body, "escape")
    sought = func.encode(cast(text.replace("\x00", "").encode(), LargeBinary), "escape")
    at = func.strpos(func.lower(body), func.lower(sought))
    return or_(WebhookDelivery.delivery_key == text, at > 0)


ORDERED = ("received_at", "event_type", "status", "attempts", "last_error")


def deliveries_table(
    db: Session,
    chosen: DeliveryFilter,
    *,
    order: Order | None = None,
    limit: int = 50,
    offset: int = 0,
) -> pd.DataFrame:
    """Deliveries by one of the columns ``ORDERED`` or the latest first, without their bodies.

    Columns: id (UUID), provider, event_type (str), received_at (UTC), status (str), attempts (int),
    processed_at (UTC), last_error (str: why it failed or was ignored).
    """
    by = order_by({column.key: column for column in LISTED}, order) if order else []
    latest = (WebhookDelivery.received_at.desc(), WebhookDelivery.id)
    query = select(*LISTED).where(*chosen.conditions()).order_by(*by, *latest)
    return fetched(db.execute(query.limit(limit).offset(offset)))


def count_deliveries(db: Session, chosen: DeliveryFilter) -> int:
    """How many the filter leaves."""
    query = select(func.count()).select_from(WebhookDelivery).where(*chosen.conditions())
    return db.scalars(query).one()


def count_replayable(
    db: Session, connection_id: UUID, since: datetime, states: Sequence[DeliveryStatus]
) -> int:
    """How many deliveries ``replay_deliveries`` would process once more."""
    chosen = DeliveryFilter(connection_id, states=states)
    query = select(func.count()).select_from(WebhookDelivery)
    return db.scalars(
        query.where(
            *chosen.conditions(),
            WebhookDelivery.received_at >= since,
            WebhookDelivery.status != DeliveryStatus.HELD,
            WebhookDelivery.body != b"",
        )
    ).one()


def kinds_of_deliveries(db: Session, connection_id: UUID) -> list[str]:
    """What happened, in the provider's words, according to the connection's latest deliveries."""
    latest = (
        select(WebhookDelivery.event_type)
        .where(WebhookDelivery.connection_id == connection_id)
        .order_by(WebhookDelivery.received_at.desc())
        .limit(LATEST)
        .subquery()
    )
    named = select(latest.c.event_type).distinct().where(latest.c.event_type.is_not(None))
    return sorted(db.scalars(named))


def delivery_of(db: Session, delivery_id: UUID) -> WebhookDelivery | None:
    """One delivery as it is stored; None where there is none, or the caller may not see it."""
    return db.scalars(select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)).first()


def last_by_previous_secret(db: Session, connection: WebhookConnection) -> datetime | None:
    """When the latest delivery came that was signed with the secret of before the last rotation;
    None when none did while that was valid.
    """
    if connection.previous_secret_until is None:
        return None
    return db.scalars(
        select(func.max(WebhookDelivery.received_at)).where(
            WebhookDelivery.connection_id == connection.id,
            WebhookDelivery.received_at > connection.previous_secret_until - BOTH_VALID_FOR,
            WebhookDelivery.by_previous_secret,
        )
    ).one()


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
    """Every delivery that failed for good, oldest first: the columns of ``deliveries_table``, and
    ``connection_id``.
    """
    query = select(*LISTED, WebhookDelivery.connection_id).where(
        WebhookDelivery.status == DeliveryStatus.DEAD
    )
    return list(db.execute(query.order_by(WebhookDelivery.received_at, WebhookDelivery.id)))
