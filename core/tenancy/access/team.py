"""Members: their roles, and whether they can sign in."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.orm import Session

from core.platform.advisory_locks import advisory_lock
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.edits import Values, merged
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.platform.search import is_address
from core.tenancy.access.models import MEMBER_ROLES, Invitation, OrganizationMember, Role
from core.tenancy.access.viewers import Viewer

INVITERS = (Role.OWNER, Role.ADMIN)


def roles_to_give(viewer: Viewer) -> list[Role]:
    """The roles that the viewer may give: an admin every role below owner, an owner all of them,
    anybody else none.
    """
    if not viewer.is_admin:
        return []
    return [role for role in MEMBER_ROLES if role != Role.OWNER or viewer.is_one_of(Role.OWNER)]


def check_may_give(viewer: Viewer, role: str) -> None:
    """Raises InvalidInput unless it is a member's role, and NotAllowed unless the viewer may give
    it.
    """
    if role not in MEMBER_ROLES:
        raise InvalidInput(
            f"“{role}” is not a role; use one of {', '.join(MEMBER_ROLES)}.", field="role"
        )
    if role not in roles_to_give(viewer):
        raise NotAllowed(
            "Only an owner makes owners." if viewer.is_admin else "Only an admin may do this."
        )


def set_role(
    db: Session, viewer: Viewer, user_id: UUID, role: str, read: Values | None = None
) -> None:
    """Give a member another role, which applies from their next action on. ``read`` has the role
    that it replaces; None for whatever they have.

    Raises:
        NotFound: no such member.
        NotAllowed: the viewer may not give this role or not change this member; nobody may raise
        their own role.
        Conflict: the organisation would be left without an owner.
        Changed: somebody else has given them another role since it was read.
    """
    check_may_give(viewer, role)
    member = _changed(db, viewer, user_id)
    merged({"role": member.role}, {"role": Role(role)}, read)
    if role != Role.OWNER:
        _check_not_last_owner(db, member)
    member.role = Role(role)
    if role not in INVITERS:
        _take_back_invitations(db, member)
    elif role != Role.OWNER:
        _take_back_invitations(db, member, Invitation.role == Role.OWNER)
    db.flush()


def set_member_active(db: Session, viewer: Viewer, user_id: UUID, active: bool) -> None:
    """Activate or deactivate a member. Deactivating signs them out of the organisation at once;
    their history stays.

    Raises NotFound, NotAllowed, and Conflict for the last owner.
    """
    member = _changed(db, viewer, user_id)
    if not active:
        _check_not_last_owner(db, member)
        _take_back_invitations(db, member)
        db.execute(
            text("select app.close_sessions_in(:user, :org)"),
            {"user": user_id, "org": organization_id_of(db)},
        )
    member.active = active
    db.flush()


def _changed(db: Session, viewer: Viewer, user_id: UUID) -> OrganizationMember:
    """The member, behind a lock on changes to members, so that two owners cannot remove each other
    at the same moment.
    """
    if not viewer.is_admin:
        raise NotAllowed("Only an admin may do this.")
    advisory_lock(db, "members")
    member = db.scalars(
        select(OrganizationMember).where(
            OrganizationMember.organization_id == organization_id_of(db),
            OrganizationMember.user_id == user_id,
        )
    ).first()
    if member is None:
        raise NotFound("There is no such member.")
    if member.role == Role.OWNER and not viewer.is_one_of(Role.OWNER):
        raise NotAllowed("Only an owner changes owners.")
    return member


def _check_not_last_owner(db: Session, member: OrganizationMember) -> None:
    others = (
        select(func.count())
        .select_from(OrganizationMember)
        .where(
            OrganizationMember.organization_id == member.organization_id,
            OrganizationMember.role == Role.OWNER,
            func.app.user_is_org_member(
                OrganizationMember.user_id, OrganizationMember.organization_id
            ),
            OrganizationMember.user_id != member.user_id,
        )
    )
    if member.role == Role.OWNER and member.active and db.scalars(others).one() == 0:
        raise Conflict("An organisation needs an owner: make somebody else one first.")


def _take_back_invitations(
    db: Session, member: OrganizationMember, *only: ColumnElement[bool]
) -> None:
    """Revokes the open invitations that the member sent, as they may not send any now, and those
    sent to the member.
    """
    theirs = or_(
        Invitation.invited_by == member.user_id,
        is_address(Invitation.email_normalized, member.email),
    )
    still_open = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
    db.execute(update(Invitation).where(theirs, *still_open, *only).values(revoked_at=now()))
