"""Looking as a member of the same organisation: read-only, audited at start and end, never as
somebody with more rights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from core.platform.database import as_guest
from core.platform.errors import NotAllowed
from core.platform.tokens import hash_token
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.viewers import Viewer


def start_view_as(token: str, by: Viewer, member: OrganizationMember) -> None:
    """From now on the session of ``token`` sees what ``member`` sees. Raises NotAllowed for
    somebody whom ``by`` may not look as.
    """
    asked = {"token": hash_token(token), "user": member.user_id, "org": by.organization_id}
    with as_guest() as db:
        started = db.execute(text("select app.start_view_as(:token, :user, :org)"), asked).scalar()
    if not started:
        raise NotAllowed("You may look only as an active member who has no more rights than you.")


def stop_view_as(token: str) -> None:
    """The session is its own user's again."""
    with as_guest() as db:
        db.execute(text("select app.stop_view_as(:token)"), {"token": hash_token(token)})


def viewed_member(db: Session, token: str) -> Row[Any] | None:
    """As whom the session looks: their user id, name, e-mail address and role; None when it looks
    as nobody.
    """
    return db.execute(
        text("select * from app.viewed_as(:token)"), {"token": hash_token(token)}
    ).first()


def viewer_viewing_as(viewer: Viewer, seen: Row[Any] | None) -> Viewer:
    """The member ``seen``, whose transactions are read-only meanwhile; the viewer when there is
    none.
    """
    if seen is None:
        return viewer
    return replace(
        viewer,
        user_id=seen.user_id,
        name=seen.name,
        email=seen.email,
        role=Role(seen.role),
        seen_by=viewer.user_id,
    )


def members_to_view_as(db: Session, viewer: Viewer) -> list[OrganizationMember]:
    """The members as whom ``viewer`` may look, by name."""
    allowed = text("app.may_view_as(:me, organization_members.user_id, :org)")
    query = select(OrganizationMember).where(allowed).order_by(OrganizationMember.name)
    return list(db.scalars(query, {"me": viewer.user_id, "org": viewer.organization_id}))
