"""The platform's own tables: the audit log, rate limits and sealed secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.audit_words import OPERATIONS
from core.platform.schema import (
    IN_WORDS,
    Base,
    ProductText,
    Secret,
    TenantRow,
    Timestamps,
    secured,
)


class AuditLog(TenantRow, Base):
    """Who changed what and when. Append-only, written by a trigger. ``changes`` is ``{"column":
    [old, new]}``.
    """

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index(None, "organization_id", "at"),
        Index(None, "at"),
        Index(None, "organization_id", "table_name", "row_id"),
        secured("audit"),
    )

    # Changes to rows of no organisation (users, platform roles) carry the nil UUID, and only super
    # admins read them. What happens to a member's account (app.record_security) is recorded in each
    # organisation that the member belongs to.
    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor_user_id: Mapped[UUID | None]
    actor_role: Mapped[str | None] = mapped_column(info={IN_WORDS: {}})
    table_name: Mapped[str]
    row_id: Mapped[str]
    operation: Mapped[str] = mapped_column(
        info={IN_WORDS: {stored: words.capitalize() for stored, words in OPERATIONS.items()}}
    )
    changes: Mapped[dict[str, Any]]
    # Lines of one transaction belong to one action. Older lines have none.
    transaction_id: Mapped[int | None] = mapped_column(
        BigInteger, server_default=text("pg_current_xact_id()::text::bigint")
    )


class RateLimit(Base):
    """How often one key was used in one window of time; read and written only through
    ``app.take_hit``.
    """

    __tablename__ = "rate_limits"
    __table_args__ = (secured("auth"),)

    key: Mapped[ProductText] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    hits: Mapped[int]


class VaultSecret(TenantRow, Timestamps, Base):
    """A sealed provider secret. The roles of people may write it and read its last four characters,
    but never the secret.
    """

    __tablename__ = "vault_secrets"
    __table_args__ = (
        UniqueConstraint("organization_id", "owner_id", "name"),
        secured("secret", audit=True, label="Secrets"),
    )

    provider: Mapped[ProductText]
    owner_id: Mapped[UUID]
    name: Mapped[ProductText]
    sealed: Mapped[Secret]
    last_four: Mapped[ProductText]
    verified_at: Mapped[datetime | None]
