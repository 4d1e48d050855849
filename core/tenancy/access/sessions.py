"""The viewer behind a session cookie, and the organisations they can switch to."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.database import as_guest, as_member
from core.platform.errors import NotAllowed
from core.platform.tokens import hash_token
from core.tenancy.access.models import AccessSettings, Role
from core.tenancy.access.viewers import Place, Viewer
from core.tenancy.identity.sign_in import IDLE_MINUTES
from core.tenancy.organizations.queries import current_organization, settings_of


def viewer_of(token: str | None, *, in_use: bool = True) -> Viewer | None:
    """The user of a session in their active organisation, or the member whom they view as. None
    when the session has ended or the user belongs to no organisation.

    With ``in_use`` False the session does not count as used, so the idle timeout keeps running.
    """
    if not token:
        return None
    with as_guest() as db:
        found = db.execute(
            text("select * from app.resolve_session(:token, :idle, :in_use)"),
            {"token": hash_token(token), "idle": IDLE_MINUTES, "in_use": in_use},
        ).first()
    if found is None:
        return None
    viewer = Viewer(
        found.user_id,
        found.name,
        found.email,
        found.organization_id,
        found.organization_name,
        found.timezone,
        found.currency,
        Role(found.role),
        frozenset(found.modules),
        second_factor_missing=found.second_factor_missing,
    )
    if found.seen_user_id is None:
        return replace(viewer, places=_places(found.places))
    return replace(
        viewer,
        user_id=found.seen_user_id,
        name=found.seen_name,
        email=found.seen_email,
        role=Role(found.seen_role),
        seen_by=viewer.user_id,
    )


def _places(found: list[dict[str, str]]) -> tuple[Place, ...]:
    return tuple(
        Place(UUID(each["organization_id"]), each["name"], each["slug"], each["role"])
        for each in found
    )


def viewer_in_organization(
    user_id: UUID, organization_id: UUID, *, name: str, email: str, role: str
) -> Viewer:
    """A viewer with the facts of an organisation they may enter. Raises NotAllowed."""
    with as_member(user_id, organization_id) as db:
        return viewer_in_transaction(db, user_id, name=name, email=email, role=role)


def viewer_in_transaction(
    db: Session, user_id: UUID, *, name: str, email: str, role: str
) -> Viewer:
    """The transaction's user as a viewer, with the facts of its organisation."""
    organization = current_organization(db)
    factor = text("select app.has_second_factor(:user)")
    missing = (
        settings_of(db, AccessSettings).require_second_factor
        and not db.execute(factor, {"user": user_id}).scalar_one()
    )
    return Viewer(
        user_id,
        name,
        email,
        organization.id,
        organization.name,
        organization.timezone,
        organization.currency,
        Role(role),
        frozenset(organization.modules),
        second_factor_missing=missing,
    )


def organizations_for_user(user_id: UUID) -> list[Place]:
    """The organisations that the user can switch to, by name."""
    with as_guest() as db:
        rows = db.execute(
            text("select * from app.organizations_of(:user)"), {"user": user_id}
        ).all()
    return [Place(*row) for row in rows]


def choose_organization(token: str, organization_id: UUID) -> None:
    """Make an organisation the session's active one. Raises NotAllowed unless the user belongs to
    it.
    """
    with as_guest() as db:
        chosen = db.execute(
            text("select app.choose_organization(:token, :org)"),
            {"token": hash_token(token), "org": organization_id},
        ).scalar()
    if not chosen:
        raise NotAllowed("You are not a member of this organisation.")
