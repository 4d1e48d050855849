"""Organisations: tenants, with the settings of each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.schema import Base, Timestamps, secured


class Organization(Timestamps, Base):
    """A tenant: a team, a company or a client. Its settings stand on the row, each with the
    product's default.
    """

    __tablename__ = "organizations"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name="slug"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        secured("organization", audit=True),
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, server_default=text("gen_random_uuid()")
    )
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    timezone: Mapped[str]
    currency: Mapped[str]
    region: Mapped[str] = mapped_column(server_default="US")
    modules: Mapped[list[str]] = mapped_column(server_default=text("'{bookings}'"))
    plan: Mapped[str] = mapped_column(server_default="team")
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    deleted_at: Mapped[datetime | None]

    # bookings
    pcf_grace_hours: Mapped[int] = mapped_column(server_default=text("24"))
    late_cancel_hours: Mapped[int] = mapped_column(server_default=text("24"))
    setter_utm_field: Mapped[str] = mapped_column(server_default="utm_source")
    setter_question: Mapped[str | None]

    # money
    forward_attribution_days: Mapped[int | None]
    reconciliation_days: Mapped[int] = mapped_column(server_default=text("3"))
    accept_test_mode: Mapped[bool] = mapped_column(server_default=text("false"))

    # what reps see, and what is posted
    leaderboards_visible: Mapped[bool] = mapped_column(server_default=text("true"))
    leaderboards_show_money: Mapped[bool] = mapped_column(server_default=text("true"))
    slack_report_enabled: Mapped[bool] = mapped_column(server_default=text("false"))
    slack_report_hour: Mapped[int] = mapped_column(server_default=text("8"))

    # who gets in, and how long personal data is kept; None keeps it
    require_second_factor: Mapped[bool] = mapped_column(server_default=text("false"))
    managers_see_their_team_only: Mapped[bool] = mapped_column(server_default=text("false"))
    raw_delivery_days: Mapped[int | None]
    purge_after: Mapped[datetime | None]
