"""Viewing the product as another member of the same organisation sees it: read-only, with the start
and the end in the audit log, and never as somebody with more rights.
"""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.platform.database import as_guest, organization_id_of
from core.platform.errors import NotAllowed
from core.platform.tokens import hash_token
from core.tenancy.access.models import OrganizationMember
from core.tenancy.access.viewers import Viewer


def start_view_as(token: str, by: Viewer, member: OrganizationMember) -> None:
    """From now on the session of ``token`` sees what ``member`` sees. Raises NotAllowed unless
    ``by`` may view as this member.
    """
    asked = {"token": hash_token(token), "user": member.user_id, "org": by.organization_id}
    with as_guest() as db:
        started = db.execute(text("select app.start_view_as(:token, :user, :org)"), asked).scalar()
    if not started:
        raise NotAllowed("You can view only as an active member who has no more rights than you.")


def stop_view_as(token: str) -> None:
    """End it: the session shows its own user's view again."""
    with as_guest() as db:
        db.execute(text("select app.stop_view_as(:token)"), {"token": hash_token(token)})


def members_to_view_as(db: Session, viewer: Viewer) -> list[OrganizationMember]:
    """The members whom ``viewer`` may view as, by name."""
    allowed = text("app.may_view_as(:me, organization_members.user_id, :org)")
    query = select(OrganizationMember).where(allowed).order_by(OrganizationMember.name)
    return list(db.scalars(query, {"me": viewer.user_id, "org": organization_id_of(db)}))
