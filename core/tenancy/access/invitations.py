"""Invitations: membership in the organisation, offered by e-mail, accepted once by the holder of
the link.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.platform.advisory_locks import advisory_lock
from core.platform.clock import now
from core.platform.database import as_guest, organization_id_of
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests
from core.platform.names import check_name
from core.platform.normalization import mailable_email, normalize_email
from core.platform.rate_limits import take_hit
from core.platform.tokens import hash_token
from core.tenancy.access.models import Invitation, OrganizationMember
from core.tenancy.access.team import check_may_give
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.passwords import check_password, hash_password
from core.tenancy.identity.sign_in import sign_in

DAYS = 7
MOST_AN_HOUR = 30
MOST_SENT = 5
WINDOW_S = 3600
GONE = "This invitation cannot be accepted any more. Ask whoever invited you for a new one."


@dataclass(frozen=True)
class Issued:
    """An invitation with the token for its link. Only the token's hash is stored."""

    invitation: Invitation
    token: str


@dataclass(frozen=True)
class Found:
    """What the holder of the link may know. ``state`` is open, expired, accepted or revoked;
    ``user_id`` is the user with the invited address, if there is one.
    """

    organization: str
    email: str
    role: str
    state: str
    user_id: UUID | None


def invite(db: Session, viewer: Viewer, email: str, role: str) -> Issued:
    """Invite somebody to join with ``role``; the invitation is valid for seven days.

    Raises:
        NotAllowed: the viewer may not give this role.
        InvalidInput: mail cannot be sent to the address, or there is no such role.
        Conflict: the person is a member, or has been invited already.
        TooManyRequests: too many invitations in an hour.
    """
    check_may_give(viewer, role)
    normalized = mailable_email(email)
    if normalized is None:
        raise InvalidInput(
            f"“{email}” is not an e-mail address that mail can be sent to.", field="email"
        )
    advisory_lock(db, "invitations")
    _check_new_here(db, normalized)
    _count(db, viewer)
    token = secrets.token_urlsafe(32)
    shown = (
        email.strip() if normalize_email(email) == normalized else normalized
    )  # a domain in Punycode is shown in its own script
    invitation = Invitation(
        organization_id=organization_id_of(db),
        id=uuid4(),
        email=shown,
        email_normalized=normalized,
        role=role,
        token_hash=hash_token(token),
        invited_by=viewer.user_id,
        expires_at=now() + timedelta(days=DAYS),
        sent_count=1,
    )
    db.add(invitation)
    db.flush()
    return Issued(invitation, token)


def _check_new_here(db: Session, normalized: str) -> None:
    own = OrganizationMember.organization_id == organization_id_of(db)
    here = select(OrganizationMember).where(own)
    member = next(
        (member for member in db.scalars(here) if normalize_email(member.email) == normalized), None
    )
    if member is not None and member.active:
        raise Conflict(f"{member.name} belongs to this organisation already.")
    if member is not None:
        raise Conflict(
            f"{member.name} has belonged to this organisation; switch them on again below."
        )
    open_ = select(Invitation.id).where(
        Invitation.email_normalized == normalized,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
    )
    if db.scalars(open_).first() is not None:
        raise Conflict("This address has been invited already; send the invitation again below.")


def _count(db: Session, viewer: Viewer) -> None:
    if wait_s := take_hit(db, f"invite:{organization_id_of(db)}", MOST_AN_HOUR, WINDOW_S):
        raise TooManyRequests(
            f"More than {MOST_AN_HOUR} invitations in an hour; wait a little.", retry_after_s=wait_s
        )


def renew(db: Session, viewer: Viewer, invitation_id: UUID) -> Issued:
    """Send an invitation again, valid for another seven days; the earlier link stops working.

    Raises NotFound, NotAllowed, TooManyRequests, and Conflict when it has been sent often enough.
    """
    invitation = _open(db, viewer, invitation_id)
    if invitation.sent_count >= MOST_SENT:
        raise Conflict(
            f"It has been sent {MOST_SENT} times. Ask by another way whether the address is right."
        )
    _count(db, viewer)
    token = secrets.token_urlsafe(32)
    invitation.token_hash, invitation.expires_at = hash_token(token), now() + timedelta(days=DAYS)
    invitation.sent_count, invitation.last_sent_at = invitation.sent_count + 1, now()
    db.flush()
    return Issued(invitation, token)


def revoke(db: Session, viewer: Viewer, invitation_id: UUID) -> None:
    """Revoke an open invitation; whoever follows its link is informed. Raises NotFound and
    NotAllowed.
    """
    _open(db, viewer, invitation_id).revoked_at = now()
    db.flush()


def _open(db: Session, viewer: Viewer, invitation_id: UUID) -> Invitation:
    query = select(Invitation).where(
        Invitation.id == invitation_id,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
    )
    invitation = db.scalars(query.with_for_update()).first()
    if invitation is None:
        raise NotFound("There is no such open invitation.")
    check_may_give(viewer, invitation.role)
    return invitation


def look_up(token: str) -> Found | None:
    """The invitation behind a link. None for a link that does not exist or is no longer valid."""
    with as_guest() as db:
        row = db.execute(
            text("select * from app.find_invitation(:hash)"), {"hash": hash_token(token)}
        ).first()
    return Found(*row) if row else None


def accept_as_new(token: str, name: str, password: str) -> None:
    """Create a user with this name and password, who becomes a member.

    Raises:
        InvalidInput: no name, or a password that is too easy.
        Conflict: the invitation is not open, or the address belongs to a user already.
    """
    found = _found_open(token)
    shown = check_name(name, "Say your name, as your colleagues know it.")
    if not " ".join(name.split()).isprintable():
        raise InvalidInput("Say your name, as your colleagues know it.", field="name")
    check_password(password, email=found.email)
    _accept(token, None, shown, hash_password(password))


def accept_with_password(token: str, password: str, *, address: str) -> None:
    """Accept as the existing user with the invited address, who proves it by their password.

    Raises Conflict, NotAllowed for a wrong password, and TooManyRequests for too many of them.
    """
    found = _found_open(token)
    sign_in(found.email, password, address=address)
    _accept(token, found.user_id, None, None)


def accept_as(token: str, viewer: Viewer) -> None:
    """Accept as the signed-in person, whose address was invited. An admin who views as them cannot
    accept.

    Raises Conflict and NotAllowed.
    """
    found = _found_open(token)
    if viewer.seen_by is not None:
        raise NotAllowed("You only look as this person: they accept their invitations themselves.")
    if found.user_id != viewer.user_id:
        raise NotAllowed(
            "The invitation is for another address than the one you are signed in with."
        )
    _accept(token, found.user_id, None, None)


def _found_open(token: str) -> Found:
    found = look_up(token)
    if found is None or found.state != "open":
        raise Conflict(GONE)
    return found


def _accept(token: str, known: UUID | None, name: str | None, password_hash: str | None) -> None:
    accept = text("select app.accept_invitation(:token, :known, :name, :password)")
    try:
        with as_guest() as db:
            joined = db.execute(
                accept,
                {
                    "token": hash_token(token),
                    "known": known,
                    "name": name,
                    "password": password_hash,
                },
            ).scalar()
    except IntegrityError:  # the person became a user by another invitation at the same moment
        raise Conflict(
            "You have just created an account elsewhere. Reload the page, then join with its"
            " password."
        ) from None
    if joined is None:
        raise Conflict(GONE)
