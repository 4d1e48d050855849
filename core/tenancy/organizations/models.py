"""Organisations, and what all tables of their settings have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.labels import LabelledEnum
from core.platform.schema import (
    BY_PRODUCT,
    LABEL,
    UNRECORDED,
    Base,
    ProductText,
    Timestamps,
    Words,
    secured,
)


class OrganizationStatus(LabelledEnum):
    """How far an organisation is. Only what ``sends`` and ``is_open`` say follows from it."""

    SETTING_UP = "setting_up"
    ACTIVE = "active"
    PAUSED = "paused"
    OFFBOARDED = "offboarded"

    @property
    def sends(self) -> bool:
        """Whether the product sends messages by itself: reports, reminders, notices."""
        return self in (OrganizationStatus.SETTING_UP, OrganizationStatus.ACTIVE)

    @property
    def is_open(self) -> bool:
        """Whether its members, programs, links and feeds are let in; super admins always are."""
        return self is not OrganizationStatus.OFFBOARDED


class Organization(Timestamps, Base):
    """A tenant: a team, a company or a client. Its settings are in tables of the packages that use
    them; see ``SettingsRow``.
    """

    __tablename__ = "organizations"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("locale ~ '^[a-z]{2}_[A-Z]{2}$'", name="locale"),
        CheckConstraint("logo_type in ('image/png', 'image/jpeg', 'image/webp')", name="logo_type"),
        CheckConstraint("octet_length(logo) <= 131072", name="logo_size"),
        CheckConstraint("num_nulls(logo, logo_type, logo_version) in (0, 3)", name="logo_whole"),
        secured(
            "organization",
            audit=True,
            label="Organisations",
            fixed=(
                "id",
                "slug",
                "modules",
                "plan",
                "is_demo",
                "status",
                "deleted_at",
                "purge_after",
                "created_at",
            ),
        ),
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, server_default=text("gen_random_uuid()")
    )
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    timezone: Mapped[ProductText]
    currency: Mapped[str]
    region: Mapped[ProductText] = mapped_column(server_default="US")
    locale: Mapped[str] = mapped_column(
        server_default="en_US", info={BY_PRODUCT: True, LABEL: "Numbers and dates"}
    )
    modules: Mapped[list[str]] = mapped_column(
        server_default=text("'{bookings}'"), info={BY_PRODUCT: True}
    )
    # a plan that an older version sold stays, with the smallest limits
    plan: Mapped[ProductText] = mapped_column(server_default="team")
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    status: Mapped[OrganizationStatus] = mapped_column(
        Words(OrganizationStatus), server_default=OrganizationStatus.SETTING_UP
    )
    deleted_at: Mapped[datetime | None]
    purge_after: Mapped[datetime | None]
    # A picture, its media type, and a mark by which the audit log and browsers know it.
    logo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, info={UNRECORDED: True})
    logo_type: Mapped[str | None] = mapped_column(info={BY_PRODUCT: True, UNRECORDED: True})
    logo_version: Mapped[str | None] = mapped_column(info={BY_PRODUCT: True, LABEL: "Logo"})


class SettingsRow(Timestamps):
    """One package's settings for an organisation, with defaults in every column. The row is created
    together with the organisation.
    """

    __table_args__: Any = secured("organization_settings", audit=True)

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("app.organizations.id"), primary_key=True
    )
