"""Users, their sessions, and their means of authentication."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.personal import NormalizedUserEmail, UserText
from core.platform.schema import Base, Secret, SecretText, Timestamps, Words, secured


class User(Timestamps, Base):
    """A person who signs in: one row for the whole product, whatever number of organisations they
    belong to.
    """

    __tablename__ = "users"
    __table_args__ = (
        secured(
            "users",
            audit=True,
            columns=(
                "id",
                "email",
                "name",
                "active",
                "created_at",
                "updated_at",
                "password_changed_at",
            ),
        ),
    )
    __mapper_args__ = {
        "eager_defaults": False
    }  # RETURNING would need the right to read; jobs may add users but not read them.

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, server_default=text("gen_random_uuid()")
    )
    email: Mapped[UserText]
    email_normalized: Mapped[NormalizedUserEmail] = mapped_column(unique=True)
    name: Mapped[UserText]
    password_hash: Mapped[SecretText | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    password_changed_at: Mapped[datetime | None]
    tokens_valid_from: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class PlatformRole(StrEnum):
    SUPER_ADMIN = "super_admin"


class UserRole(Base):
    """A platform role. It is not a column of ``users``, because users may change parts of their own
    row.
    """

    __tablename__ = "user_roles"
    __table_args__ = (secured("auth", audit=True, label="Platform roles"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    role: Mapped[PlatformRole] = mapped_column(Words(PlatformRole), primary_key=True)


class SignInSession(Base):
    """A signed-in browser; only the hash of its cookie is stored."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (Index(None, "user_id"), UniqueConstraint("id"), secured("auth"))

    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    view_as_user_id: Mapped[UUID | None]
    token_hash: Mapped[Secret] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("app.organizations.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]


class LastOrganization(Base):
    """The organisation that a user has chosen last, on the screens or with a program."""

    __tablename__ = "last_organizations"
    __table_args__ = (secured("auth"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("app.organizations.id"))


class SignInTicket(Base):
    """A single-use proof that the sign-in form was answered correctly. It is valid for 30 seconds,
    in which a route exchanges it for the cookie.
    """

    __tablename__ = "sign_in_tickets"
    __table_args__ = (secured("auth"),)

    ticket_hash: Mapped[Secret] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A single-use link to a new password; only the hash of its token is stored."""

    __tablename__ = "password_resets"
    __table_args__ = (Index(None, "user_id"), secured("auth"))

    token_hash: Mapped[Secret] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SecondFactor(Base):
    """A user's authenticator app: the sealed TOTP secret, in force once it is confirmed. No time
    step is accepted twice.
    """

    __tablename__ = "second_factors"
    __table_args__ = (secured("auth"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    totp_secret: Mapped[Secret]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None]


class RecoveryCode(Base):
    """A code that replaces a lost authenticator. Each works once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (secured("auth"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    code_hash: Mapped[Secret] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]
