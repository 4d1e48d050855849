"""What arrives from providers (connections, deliveries, provider objects) and what waits to be sent
(the outbox).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.labels import LabelledEnum
from core.platform.personal import NormalizedUserEmail, Personal, Remark, personal
from core.platform.schema import (
    Base,
    ByLink,
    LastUse,
    ProductText,
    TenantRow,
    Timestamps,
    Words,
    opened_by,
    refers_to,
    secured,
)
from core.tenancy.organizations.models import SettingsRow

BOTH_VALID_FOR = timedelta(hours=24)  # the secrets before and after a rotation


class DeliveryStatus(LabelledEnum):
    PENDING = "pending", "Waiting"  # stored, waiting for a worker
    HELD = "held", "On hold"  # its connection is paused; waits for that to end
    PROCESSED = "processed"
    # Genuine but of no use to us (unknown type, test mode); last_error has the reason.
    IGNORED = "ignored"
    TEST = "test", "Test received"  # one that we sent ourselves, to try the connection
    DEAD = "dead", "Failed"  # every retry failed; waits for a person


class WebhookConnection(TenantRow, Timestamps, Base):
    """One configured webhook endpoint of one organisation; its secret is in ``vault_secrets``.

    ``revision`` changes with every edit, so that a receiver can tell whether what it remembers is
    still current. Without a ``rate_limit_per_minute`` of its own it has the installation's. While
    it is paused its deliveries are stored and held. After a rotation the secret of before is valid
    until ``previous_secret_until``. A deleted one is inactive; its row stays, since deliveries and
    payments refer to it.
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
    rate_limit_per_minute: Mapped[int | None]
    is_shared: Mapped[bool] = mapped_column(server_default=text("false"))
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    paused_at: Mapped[datetime | None]
    previous_secret_until: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class DeliverySettings(SettingsRow, Base):
    """For how long what providers sent is stored; None means forever."""

    __tablename__ = "delivery_settings"

    raw_delivery_days: Mapped[int | None]


class KeyStatus(StrEnum):
    # just entered, or somebody asked for a check; a worker is asking the provider
    CHECKING = "checking"
    VERIFIED = "verified"
    REFUSED = "refused"  # the provider does not accept it
    UNVERIFIED = "unverified"  # the provider could not be asked


class OrganizationIntegration(TenantRow, Timestamps, Base):
    """An organisation's access to one provider, and the result of the latest check; the key is in
    ``vault_secrets``.

    ``last_verified_at`` is when the provider last accepted the key, ``remark`` is a note from that
    check. ``updated_at`` is when it was last checked.
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
    """How many deliveries came over a connection, and when the latest. Apart from the connection,
    so that the audit log does not record each delivery as a change of it.

    ``refused_count`` deliveries, the first ``refused_since``, were not correctly signed since the
    latest that was or another secret was entered; ``refusal`` says what was wrong with the last.
    ``tested_at`` is when the latest test delivery came to its end, and ``test_error`` why it did
    not arrive.
    """

    __tablename__ = "connection_activity"
    __table_args__ = (refers_to("connection_id", "webhook_connections"), secured("activity"))

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_webhook_at: Mapped[datetime | None]
    last_error: Mapped[Remark | None]
    last_error_at: Mapped[datetime | None]
    refused_count: Mapped[int] = mapped_column(server_default=text("0"))
    refused_since: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    refusal: Mapped[ProductText | None]
    tested_at: Mapped[datetime | None]
    test_error: Mapped[ProductText | None]


class WebhookDelivery(TenantRow, Base):
    """One received webhook, stored as it came, once per delivery key of the provider.
    ``event_type`` is filled in when it is processed.

    The table is also the queue of the workers. Those that are pending wait in the order in which
    they arrived, replayed ones behind all others. Without a ``due_at`` they may be taken at once,
    else not before it. ``attempts`` counts all tries, ``failures`` those in a row that failed or
    came to no end. ``history`` lists what it went through before its present state, the oldest
    first: failed tries, earlier results, and who had it replayed.
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
            postgresql_where=text("status in ('pending','held','dead')"),
        ),
        # Each is as short as what waits for that.
        Index(
            "ix_webhook_deliveries_new",
            "organization_id",
            "is_replay",
            "received_at",
            "id",
            postgresql_where=text("status = 'pending' and due_at is null"),
        ),
        Index(
            "ix_webhook_deliveries_put_back",
            "organization_id",
            "due_at",
            "is_replay",
            "received_at",
            "id",
            postgresql_where=text("status = 'pending' and failures = 0 and due_at is not null"),
        ),
        Index(
            "ix_webhook_deliveries_failed",
            "organization_id",
            "due_at",
            "is_replay",
            "received_at",
            "id",
            postgresql_where=text("status = 'pending' and failures > 0"),
        ),
        secured("inbox", label="Deliveries"),
    )

    # The connection already refers to the organisation. A foreign key here would lock the
    # organisation's row for every delivery.
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
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime | None]
    is_replay: Mapped[bool] = mapped_column(server_default=text("false"))
    processed_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    history: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    by_previous_secret: Mapped[bool] = mapped_column(server_default=text("false"))


class ProviderObject(TenantRow, Timestamps, Base):
    """The newest known state of one object at a provider. Our rows are computed from these states,
    so that the order of deliveries does not matter. ``version`` orders the states of an object as
    text; an older state never replaces a newer one. ``arrived_at`` is when the object was first
    reported.
    """

    __tablename__ = "provider_objects"
    __table_args__ = (
        UniqueConstraint("organization_id", "provider", "kind", "external_id"),
        # Partial, so that nothing but a search by group can read it: while Postgres has no
        # statistics of the table yet, it takes any index that begins alike for as good.
        Index(
            "ix_provider_objects_group",
            "organization_id",
            "group_key",
            "provider",
            postgresql_where=text("group_key is not null"),
        ),
        secured("inbox"),
    )

    provider: Mapped[ProductText]
    kind: Mapped[ProductText]
    external_id: Mapped[str]
    group_key: Mapped[str | None]
    version: Mapped[str]
    data: Mapped[dict[str, Any]]
    arrived_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ProviderLink(Base):
    """One object of a provider refers to another: a refund to its charge, a charge to its
    customer.
    """

    __tablename__ = "provider_links"
    __table_args__ = (
        # Unlike the key from its second column on, so that neither can be taken for the other.
        Index(
            "ix_provider_links_target", "organization_id", "target_kind", "target_id", "provider"
        ),
        secured("inbox"),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("app.organizations.id"), primary_key=True
    )
    provider: Mapped[ProductText] = mapped_column(primary_key=True)
    kind: Mapped[ProductText] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    target_kind: Mapped[ProductText] = mapped_column(primary_key=True)
    target_id: Mapped[str] = mapped_column(primary_key=True)


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # the connection broke after sending: nobody can know


# What a portal's form has sent: to the CRM, about the one event that it is of.
CRM_OF_ONE_EVENT = "channel = 'crm' and body ->> 'event_id' = (select app.opened('event'))::text"


class OutboxMessage(TenantRow, Timestamps, Base):
    """One message to the outside, written in the transaction of what it is about, and sent once per
    ``dedupe_key``.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("organization_id", "dedupe_key"),
        Index(None, "organization_id", "created_at"),
        secured("outbox", links=opened_by(portal=ByLink(add=CRM_OF_ONE_EVENT))),
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
    """An address to which nothing is sent any more, because it bounced, complained or
    unsubscribed.
    """

    __tablename__ = "suppressed_emails"
    __table_args__ = (
        UniqueConstraint("organization_id", "email_normalized"),
        secured("suppressed", audit=True, label="Blocked addresses"),
    )

    email_normalized: Mapped[NormalizedUserEmail]
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


class SyncStatus(LabelledEnum):
    WAITING = "waiting"  # asked for; a worker will take it
    RUNNING = "running"
    SUCCESS = "success", "Done"
    FAILED = "failed"
    DEFERRED = "deferred", "Put off"  # the provider asked for a longer pause
    CANCELLED = "cancelled", "Cancelled"


OPEN_SYNCS = (SyncStatus.WAITING, SyncStatus.RUNNING)


class SyncRun(TenantRow, Base):
    """One run that reads ``what`` from a provider. Of an organisation, a provider and ``what`` one
    is open at a time, wherever it runs: the row is the lease.

    It reads what happened or will happen from ``since`` on; ``whole`` ones leave nothing out for
    being unchanged. ``cursor`` is where it goes on, stored with each page's rows. Whoever runs it
    holds it until ``leased_until``, under the number ``attempts``. ``seen`` objects were read,
    ``written`` rows of ours changed, ``refused`` objects could not be stored. ``reached`` tells
    people how far it is. A deferred one is worth another try from ``retry_at`` on.
    """

    __tablename__ = "sync_runs"
    __table_args__ = (
        Index(
            "uq_sync_runs_open",
            "organization_id",
            "provider",
            "what",
            unique=True,
            postgresql_where=text("status in ('waiting','running')"),
        ),
        Index(None, "organization_id", "provider", "what", "asked_at"),
        secured("admin", label="Sync runs"),
    )

    provider: Mapped[ProductText]
    what: Mapped[ProductText]
    status: Mapped[SyncStatus] = mapped_column(Words(SyncStatus), server_default="waiting")
    since: Mapped[datetime]
    whole: Mapped[bool] = mapped_column(server_default=text("false"))
    cursor: Mapped[dict[str, Any] | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    leased_until: Mapped[datetime | None]
    seen: Mapped[int] = mapped_column(server_default=text("0"))
    written: Mapped[int] = mapped_column(server_default=text("0"))
    refused: Mapped[int] = mapped_column(server_default=text("0"))
    reached: Mapped[ProductText | None]
    error: Mapped[Remark | None]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    cancel_asked_at: Mapped[datetime | None]
