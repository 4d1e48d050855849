"""What comes in from providers (connections, raw deliveries, known objects) and what waits to go
out (outbox).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.labels import LabelledEnum
from core.platform.personal import Personal, Remark, personal
from core.platform.schema import (
    Base,
    LastUse,
    ProductText,
    TenantRow,
    Timestamps,
    Words,
    refers_to,
    secured,
)
from core.tenancy.organizations.models import SettingsRow


class DeliveryStatus(LabelledEnum):
    PENDING = "pending"  # kept, waiting for a worker
    PROCESSED = "processed"
    # genuine, but nothing of ours (unknown type, test mode); the reason is in last_error
    IGNORED = "ignored"
    DEAD = "dead", "Failed"  # every retry failed; waits for a person


class WebhookConnection(TenantRow, Timestamps, Base):
    """One configured webhook endpoint of one organisation; its secret lies in ``vault_secrets``.

    ``revision`` changes with every edit, so that a receiver can tell whether what it remembers
    still holds.
    """

    __tablename__ = "webhook_connections"
    __table_args__ = (
        UniqueConstraint("id"),
        Index(None, "organization_id", "provider"),
        secured("settings", audit=True, label="Connections"),
    )

    provider: Mapped[ProductText]
    name: Mapped[str]
    external_account_id: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    rate_limit_per_minute: Mapped[int]
    is_shared: Mapped[bool] = mapped_column(server_default=text("false"))
    revision: Mapped[int] = mapped_column(server_default=text("1"))


class DeliverySettings(SettingsRow, Base):
    """How long what providers sent is kept; None keeps it."""

    __tablename__ = "delivery_settings"

    raw_delivery_days: Mapped[int | None]


class KeyStatus(StrEnum):
    CHECKING = "checking"  # entered, or somebody wants to know; a worker is asking the provider
    VERIFIED = "verified"
    REFUSED = "refused"  # the provider does not accept it
    UNVERIFIED = "unverified"  # the provider could not be asked


class OrganizationIntegration(TenantRow, Timestamps, Base):
    """What an organisation asks one provider with, and how that stood when it was last tried; the
    key lies in ``vault_secrets``.

    ``last_verified_at`` is when the provider last accepted the key, ``remark`` what was to be said
    of it then; ``updated_at`` is when it was last tried.
    """

    __tablename__ = "organization_integrations"
    __table_args__ = (
        UniqueConstraint("organization_id", "provider"),
        secured("keys", audit=True, label="Integrations"),
    )

    provider: Mapped[ProductText]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    status: Mapped[KeyStatus] = mapped_column(Words(KeyStatus), server_default="checking")
    account_name: Mapped[str | None]
    remark: Mapped[str | None]
    last_verified_at: Mapped[LastUse | None]
    last_error: Mapped[str | None]


class ConnectionActivity(Base):
    """How much came over a connection, and when last; apart from the connection so that deliveries
    are not audited edits.
    """

    __tablename__ = "connection_activity"
    __table_args__ = (refers_to("connection_id", "webhook_connections"), secured("inbox"))

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_webhook_at: Mapped[datetime | None]
    last_error: Mapped[Remark | None]
    last_error_at: Mapped[datetime | None]


class WebhookDelivery(TenantRow, Base):
    """One received webhook, kept raw, once per provider delivery key; ``event_type`` is read when
    it is processed.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        refers_to("connection_id", "webhook_connections"),
        UniqueConstraint("organization_id", "connection_id", "delivery_key"),
        Index(None, "organization_id", "connection_id", "received_at"),
        Index(
            "ix_webhook_deliveries_open",
            "organization_id",
            "status",
            postgresql_where=text("status in ('pending','dead')"),
        ),
        secured("inbox"),
    )

    # The connection refers to the organisation already; a second check would lock that one row for
    # every delivery.
    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    provider: Mapped[ProductText]
    delivery_key: Mapped[str]
    event_type: Mapped[str | None]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    status: Mapped[DeliveryStatus] = mapped_column(Words(DeliveryStatus), server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    processed_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class ProviderObject(TenantRow, Timestamps, Base):
    """The newest known state of one object at a provider: rows of ours are computed from these, so
    that the order of deliveries does not matter. ``version`` orders states of one object as text;
    an older one never replaces a newer one.
    """

    __tablename__ = "provider_objects"
    __table_args__ = (
        refers_to("connection_id", "webhook_connections"),
        UniqueConstraint("organization_id", "connection_id", "kind", "external_id"),
        Index(None, "organization_id", "connection_id", "group_key"),
        secured("inbox"),
    )

    connection_id: Mapped[UUID]
    kind: Mapped[ProductText]
    external_id: Mapped[str]
    group_key: Mapped[str | None]
    version: Mapped[str]
    data: Mapped[dict[str, Any]]


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # the line broke after sending: nobody can know


class OutboxMessage(TenantRow, Timestamps, Base):
    """One message to the outside, written in the transaction of the thing it tells of; sent once
    per ``dedupe_key``.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("organization_id", "dedupe_key"),
        Index(None, "organization_id", "created_at"),
        secured("outbox"),
    )

    channel: Mapped[ProductText]
    kind: Mapped[ProductText]
    recipient: Mapped[str | None]
    dedupe_key: Mapped[str]
    body: Mapped[dict[str, Any]]
    status: Mapped[OutboxStatus] = mapped_column(Words(OutboxStatus), server_default="waiting")
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None]


class SuppressionReason(StrEnum):
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


class SuppressedEmail(TenantRow, Base):
    """An address that nothing is sent to any more: it bounced, complained or unsubscribed."""

    __tablename__ = "suppressed_emails"
    __table_args__ = (
        UniqueConstraint("organization_id", "email_normalized"),
        secured("suppressed", audit=True, label="Blocked addresses"),
    )

    email_normalized: Mapped[ProductText]
    reason: Mapped[SuppressionReason] = mapped_column(Words(SuppressionReason))
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class JobRun(TenantRow, Base):
    """One run of one background job for one organisation, with its error if it failed."""

    __tablename__ = "job_runs"
    __table_args__ = (Index(None, "organization_id", "started_at"), secured("inbox"))

    task: Mapped[str]
    attempt: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    finished_at: Mapped[datetime | None]
    error: Mapped[Remark | None]
    detail: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"),
        info=personal(Personal.DOCUMENT, hidden=False, anywhere=True),
    )
