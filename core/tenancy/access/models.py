"""Members, invitations and API keys: who has access to an organisation."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.personal import NormalizedUserEmail, Personal, Remark, UserText, personal
from core.platform.schema import (
    BY_PRODUCT,
    Base,
    LastUse,
    ProductText,
    Secret,
    TenantRow,
    Timestamps,
    UserId,
    Words,
    own,
    secured,
)
from core.tenancy.organizations.models import SettingsRow


class Role(StrEnum):
    """What a member may do in one organisation. ``super_admin`` applies to the whole platform and
    is given by ``user_roles``.
    """

    SUPER_ADMIN = "super_admin"
    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    SALES_REP = "sales_rep"
    VIEWER = "viewer"


MEMBER_ROLES = (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SALES_REP, Role.VIEWER)


class OrganizationMember(Timestamps, Base):
    """A user's membership in one organisation. Name and e-mail are copied from ``users``, which
    lists of members may not read.
    """

    __tablename__ = "organization_members"
    __table_args__ = (
        Index(None, "user_id"),
        secured(
            "members",
            audit=True,
            label="Members",
            fixed=("organization_id", "user_id", "email", "created_at"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("app.organizations.id"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app.users.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(Words(Role, *MEMBER_ROLES))
    name: Mapped[UserText]
    email: Mapped[UserText]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    manager_user_id: Mapped[UUID | None]


class AccessSettings(SettingsRow, Base):
    """Who can sign in, and what reps and managers see."""

    __tablename__ = "access_settings"

    require_second_factor: Mapped[bool] = mapped_column(server_default=text("false"))
    managers_see_their_team_only: Mapped[bool] = mapped_column(server_default=text("false"))
    leaderboards_visible: Mapped[bool] = mapped_column(server_default=text("true"))
    leaderboards_show_money: Mapped[bool] = mapped_column(server_default=text("true"))
    api_origins: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'"), info={BY_PRODUCT: True}
    )


class Invitation(TenantRow, Timestamps, Base):
    """An invitation to join the organisation; only the hash of the link's token is stored."""

    __tablename__ = "invitations"
    __table_args__ = (
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

    email: Mapped[UserText]
    email_normalized: Mapped[NormalizedUserEmail]
    role: Mapped[Role] = mapped_column(Words(Role, *MEMBER_ROLES))
    token_hash: Mapped[Secret]
    invited_by: Mapped[UserId | None]
    expires_at: Mapped[datetime]
    sent_count: Mapped[int] = mapped_column(server_default=text("1"))
    last_sent_at: Mapped[datetime] = mapped_column(server_default=func.now())
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiKey(TenantRow, Base):
    """A program's key to one organisation, with a name and scopes. Only its hash is stored."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        secured("admin", audit=True, label="API keys"),
    )

    name: Mapped[str]
    key_hash: Mapped[Secret]
    prefix: Mapped[str]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[LastUse | None]


class ListView(TenantRow, Timestamps, Base):
    """A saved view of a list: the parameters of its address under a name. Its maker may share it
    with the organisation.
    """

    __tablename__ = "list_views"
    __table_args__ = (
        # Two names may be the same when the people in them are erased.
        Index(
            "ix_list_views_named",
            "organization_id",
            "list_key",
            "user_id",
            "name",
            unique=True,
            postgresql_where=text("name !~ '…|@erased[.]invalid'"),
        ),
        secured(
            "shareable",
            audit=True,
            label="Saved views",
            owners=own("user_id"),
            fixed=("organization_id", "user_id", "list_key", "created_at"),
        ),
    )

    user_id: Mapped[UUID]
    list_key: Mapped[ProductText]
    name: Mapped[Remark]
    address: Mapped[dict[str, Any]] = mapped_column(
        info=personal(Personal.DOCUMENT, hidden=False, anywhere=True)
    )
    shared: Mapped[bool] = mapped_column(server_default=text("false"))


class ListChoice(TenantRow, Base):
    """How one person likes to see a list: its columns in their order, and the saved view that it
    opens with.
    """

    __tablename__ = "list_choices"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id", "list_key"),
        secured("own", owners=own("user_id")),
    )

    user_id: Mapped[UUID]
    list_key: Mapped[ProductText]
    columns: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    default_view_id: Mapped[UUID | None]
