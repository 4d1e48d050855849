"""Organisations, users, memberships, and what proves who somebody is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.schema import Base, TenantRow, Timestamps, refers_to, secured


class Role(StrEnum):
    """What a member may do in one organisation; ``super_admin`` is the platform's, given by
    ``user_roles``.
    """

    SUPER_ADMIN = "super_admin"
    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    SALES_REP = "sales_rep"
    VIEWER = "viewer"


MEMBER_ROLES = (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SALES_REP, Role.VIEWER)


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


class User(Timestamps, Base):
    """A person who signs in, once in the whole product however many organisations they
    belong to.
    """

    __tablename__ = "users"
    __table_args__ = (secured("users", audit=True),)
    __mapper_args__ = {
        "eager_defaults": False
    }  # RETURNING needs the right to read, and jobs may add users but not read them

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, server_default=text("gen_random_uuid()")
    )
    email: Mapped[str]
    email_normalized: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    password_changed_at: Mapped[datetime | None]
    tokens_valid_from: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class UserRole(Base):
    """A platform role; kept apart from the user's own row, which the user may edit."""

    __tablename__ = "user_roles"
    __table_args__ = (
        CheckConstraint("role in ('super_admin')", name="role"),
        secured("auth", audit=True),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)


class OrganizationMember(Timestamps, Base):
    """What one user is in one organisation. Name and e-mail are copies, so that lists need no look
    into ``users``.
    """

    __tablename__ = "organization_members"
    __table_args__ = (
        CheckConstraint("role in ('owner','admin','manager','sales_rep','viewer')", name="role"),
        Index(None, "user_id"),
        secured("members", audit=True),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("app.organizations.id"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    role: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    manager_user_id: Mapped[UUID | None]


class SignInSession(Base):
    """One browser that is signed in: only the hash of its cookie is kept."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (Index(None, "user_id"), UniqueConstraint("id"), secured("auth"))

    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    view_as_user_id: Mapped[UUID | None]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("app.organizations.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]


class SignInTicket(Base):
    """A 30-second, single-use proof that the form was answered rightly, exchanged for the cookie by
    a route.
    """

    __tablename__ = "sign_in_tickets"
    __table_args__ = (secured("auth"),)

    ticket_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A single-use link to a new password: only the hash of its token is kept."""

    __tablename__ = "password_resets"
    __table_args__ = (Index(None, "user_id"), secured("auth"))

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SecondFactor(Base):
    """A user's authenticator: the sealed TOTP secret, in force once confirmed; no step of the clock
    is accepted twice.
    """

    __tablename__ = "second_factors"
    __table_args__ = (secured("auth"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    totp_secret: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None]


class RecoveryCode(Base):
    """One of the codes that replace a lost authenticator, each good once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (secured("auth"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None]


class Invitation(TenantRow, Timestamps, Base):
    """A place in the organisation that waits for somebody's answer: only the hash of the link's
    token is kept.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role in ('owner','admin','manager','sales_rep','viewer')", name="role"),
        UniqueConstraint("token_hash"),
        Index(
            "uq_invitations_open",
            "organization_id",
            "email_normalized",
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
        secured("admin", audit=True),
    )

    email: Mapped[str]
    email_normalized: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    invited_by: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    sent_count: Mapped[int] = mapped_column(server_default=text("1"))
    last_sent_at: Mapped[datetime] = mapped_column(server_default=func.now())
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AccessToken(TenantRow, Timestamps, Base):
    """A link that opens one thing without a password: a closer's queue, one person's statement, or
    one dashboard.
    """

    __tablename__ = "access_tokens"
    __table_args__ = (
        CheckConstraint("purpose in ('share','portal','commission')", name="purpose"),
        CheckConstraint(
            "case purpose when 'portal' then closer_id is not null when 'commission' then"
            " snapshot_id is not null and num_nonnulls(closer_id, setter_id) = 1 else true end",
            name="subject",
        ),
        refers_to("closer_id", "closers"),
        refers_to("setter_id", "setters"),
        refers_to("snapshot_id", "payout_snapshots"),
        UniqueConstraint("token_hash"),
        secured("admin", audit=True),
    )

    purpose: Mapped[str]
    name: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    closer_id: Mapped[UUID | None]
    setter_id: Mapped[UUID | None]
    snapshot_id: Mapped[UUID | None]
    shown: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_by: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiKey(TenantRow, Base):
    """A program's key to one organisation: hashed, named, scoped, revocable."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("key_hash"), secured("admin", audit=True))

    name: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    prefix: Mapped[str]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class AuditLog(TenantRow, Base):
    """Who changed what, when: written by a trigger, append-only. ``changes`` is ``{"column": [old,
    new]}``.
    """

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index(None, "organization_id", "at"),
        Index(None, "at"),
        Index(None, "organization_id", "table_name", "row_id"),
        secured("audit"),
    )

    # Global rows (users, platform roles) have no organisation; they carry the nil UUID and only
    # super admins read them. What happens to a member's account (app.record_security) has a line in
    # each organisation that they belong to.
    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor_user_id: Mapped[UUID | None]
    actor_role: Mapped[str | None]
    table_name: Mapped[str]
    row_id: Mapped[str]
    operation: Mapped[str]
    changes: Mapped[dict[str, Any]]


class RateLimit(Base):
    """Hits of one key in one window; read and written only through ``app.take_hit``."""

    __tablename__ = "rate_limits"
    __table_args__ = (secured("auth"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    hits: Mapped[int]


class VaultSecret(TenantRow, Timestamps, Base):
    """A sealed provider secret. People's roles may write it and see its last four characters, never
    read it.
    """

    __tablename__ = "vault_secrets"
    __table_args__ = (
        UniqueConstraint("organization_id", "owner_id", "name"),
        secured("secret", audit=True),
    )

    provider: Mapped[str]
    owner_id: Mapped[UUID]
    name: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_four: Mapped[str]
    verified_at: Mapped[datetime | None]
