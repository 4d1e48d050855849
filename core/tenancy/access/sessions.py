"""Whose session it is: the viewer behind a cookie, and the organisations they can switch to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text

from core.platform.database import as_guest, as_member
from core.platform.errors import NotAllowed
from core.platform.tokens import hash_token
from core.tenancy.access.models import Role
from core.tenancy.access.view_as import viewed_member, viewer_viewing_as
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.sign_in import IDLE_MINUTES
from core.tenancy.organizations.models import Organization


def viewer_of(token: str | None, *, in_use: bool = True) -> Viewer | None:
    """Who is behind a session's token, or as whom they look, in their active organisation; None
    when it has ended or they belong to none.

    ``in_use`` False: nobody has done anything, so the time without use goes on.
    """
    if not token:
        return None
    with as_guest() as db:
        found = db.execute(
            text("select * from app.resolve_session(:token, :idle)"),
            {"token": hash_token(token), "idle": IDLE_MINUTES},
        ).first()
        if found is None or found.organization_id is None:
            return None
        if in_use:
            db.execute(text("select app.use_session(:token)"), {"token": hash_token(token)})
        seen = viewed_member(db, token)
    viewer = viewer_in_organization(
        found.user_id, found.organization_id, name=found.name, email=found.email, role=found.role
    )
    return viewer_viewing_as(viewer, seen)


def viewer_in_organization(
    user_id: UUID, organization_id: UUID, *, name: str, email: str, role: str
) -> Viewer:
    """A viewer with the facts of an organisation they may enter. Raises NotAllowed."""
    with as_member(user_id, organization_id) as db:
        home = db.scalars(select(Organization).where(Organization.id == organization_id)).one()
        missing = (
            home.require_second_factor
            and not db.execute(
                text("select app.has_second_factor(:user)"), {"user": user_id}
            ).scalar_one()
        )
        return Viewer(
            user_id,
            name,
            email,
            home.id,
            home.name,
            home.timezone,
            home.currency,
            Role(role),
            frozenset(home.modules),
            second_factor_missing=missing,
        )


@dataclass(frozen=True)
class Place:
    """An organisation that a user can switch to."""

    id: UUID
    name: str
    slug: str
    role: str


def organizations_for_user(user_id: UUID) -> list[Place]:
    """The organisations that the user can switch to, by name."""
    with as_guest() as db:
        rows = db.execute(
            text("select * from app.organizations_of(:user)"), {"user": user_id}
        ).all()
    return [Place(row.organization_id, row.name, row.slug, row.role) for row in rows]


def choose_organization(token: str, organization_id: UUID) -> None:
    """Make an organisation the session's active one. Raises NotAllowed for one the user does not
    belong to.
    """
    with as_guest() as db:
        chosen = db.execute(
            text("select app.choose_organization(:token, :org)"),
            {"token": hash_token(token), "org": organization_id},
        ).scalar()
    if not chosen:
        raise NotAllowed("You are not a member of this organisation.")
