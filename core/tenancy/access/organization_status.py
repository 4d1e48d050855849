"""Changing the status of an organisation."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.errors import NotAllowed, NotFound
from core.tenancy.access.models import Role
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.models import OrganizationStatus

MEANINGS = {
    OrganizationStatus.SETTING_UP: "Everything works. Switch to Active when the set-up is done.",
    OrganizationStatus.ACTIVE: "Everything works.",
    OrganizationStatus.PAUSED: (
        "Bookings and payments still arrive and all screens work, but no reports, reminders or"
        " notices are sent. Messages that somebody asks for, such as an invitation or a new"
        " password, still go out."
    ),
    OrganizationStatus.OFFBOARDED: (
        "Only super admins can open it. Members, API keys and links are locked out, webhooks are"
        " refused, and no message is sent. Nothing is deleted."
    ),
}


def statuses_for(viewer: Viewer) -> list[OrganizationStatus]:
    """What the viewer may set; offboarding is for super admins."""
    is_super = viewer.role == Role.SUPER_ADMIN
    return [each for each in OrganizationStatus if is_super or each.is_open]


def set_status(db: Session, organization_id: UUID, status: OrganizationStatus) -> None:
    """Set an organisation's status. Owners and admins set up, activate and pause their own; super
    admins set any status of any organisation. The database checks who asks, and audits it.

    Raises NotAllowed and NotFound.
    """
    asked = {"org": organization_id, "status": status}
    done = db.execute(text("select app.set_organization_status(:org, :status)"), asked).scalar()
    if done is None:
        raise NotAllowed(
            "Owners and admins set up, activate or pause their organisation; only a super admin"
            " offboards one."
        )
    if not done:
        raise NotFound("There is no such organisation.")
