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


def viewer_of(
    token: str | None, organization_id: UUID | None = None, *, in_use: bool = True
) -> Viewer | None:
    """Who is behind a session's token, or as whom they look; None when it has ended or they belong
    to no organisation.

    ``organization_id`` is the one that the browser's tab shows; without it, the one chosen last.
    ``in_use`` False: nobody has done anything, so the time without use goes on.

    Raises NotAllowed when the tab's organisation is not, or no longer, open to them.
    """
    if not token:
        return None
    with as_guest() as db:
        found = db.execute(
            text("select * from app.resolve_session(:token, :idle, :in_use, :organization)"),
            {
                "token": hash_token(token),
                "idle": IDLE_MINUTES,
                "in_use": in_use,
                "organization": organization_id,
            },
        ).first()
    if found is None:
        return None
    if organization_id not in (None, found.organization_id):
        closed = closed_organizations(found.user_id)
        if organization_id in closed:
            raise NotAllowed(_closed(closed[organization_id]))
        raise NotAllowed(
            "You are not, or no longer, a member of the organisation that this page belongs to."
        )
    viewer = Viewer(
        found.user_id,
        found.name,
        found.email,
        found.organization_id,
        found.organization_name,
        found.timezone,
        found.currency,
        found.locale,
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
        organization.locale,
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


def closed_organizations(user_id: UUID) -> dict[UUID, str]:
    """The names of the offboarded organisations that the user is a member of, by their ids. Super
    admins have none: they go on entering them.
    """
    with as_guest() as db:
        rows = db.execute(
            text("select * from app.closed_organizations_of(:user)"), {"user": user_id}
        ).all()
    return {row.organization_id: row.name for row in rows}


def explain_no_organization(user_id: UUID) -> str:
    """The sentence for somebody who signs in and whom no organisation lets in."""
    if closed := closed_organizations(user_id):
        return _closed(" and ".join(closed.values()))
    return "You belong to no organisation at present. Ask whoever runs yours to invite you."


def _closed(name: str) -> str:
    return (
        f"The account of {name} was closed, so nobody signs in to it any more. Nothing was deleted:"
        " ask whoever runs this installation to open it again."
    )


def last_organization(user_id: UUID) -> UUID | None:
    """The organisation that the user has chosen last, on the screens or with a program; they may
    have left it since.
    """
    with as_guest() as db:
        return db.execute(text("select app.last_organization(:user)"), {"user": user_id}).scalar()


def remember_organization(user_id: UUID, organization_id: UUID) -> None:
    """The organisation where the user begins next time when they name none."""
    with as_guest() as db:
        db.execute(
            text("select app.remember_organization(:user, :org)"),
            {"user": user_id, "org": organization_id},
        )


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
