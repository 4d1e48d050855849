"""Access links, which open one thing without a password."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.links.kinds import LinkPurpose, names_its_subject
from core.platform.schema import (
    Base,
    LastUse,
    Secret,
    TenantRow,
    Timestamps,
    UserId,
    Words,
    refers_to,
    secured,
)


class AccessToken(TenantRow, Timestamps, Base):
    """A link that opens one thing without a password: a closer's queue, one person's statement, or
    one dashboard.
    """

    __tablename__ = "access_tokens"
    __table_args__ = (
        CheckConstraint(names_its_subject(), name="subject"),
        refers_to("closer_id", "closers"),
        refers_to("setter_id", "setters"),
        refers_to("snapshot_id", "payout_snapshots"),
        UniqueConstraint("token_hash"),
        secured("admin", audit=True, label="Links"),
    )

    purpose: Mapped[LinkPurpose] = mapped_column(Words(LinkPurpose))
    name: Mapped[str]
    token_hash: Mapped[Secret]
    closer_id: Mapped[UUID | None]
    setter_id: Mapped[UUID | None]
    snapshot_id: Mapped[UUID | None]
    shown: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    module: Mapped[str | None]  # to which what it shows belongs; None is in every organisation
    created_by: Mapped[UserId | None]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[LastUse | None]
    revoked_at: Mapped[datetime | None]
