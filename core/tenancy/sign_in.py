"""Signing in and staying signed in: the password, the ticket, the session behind the cookie, the
chosen organisation.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.platform.database import as_guest, as_member
from core.platform.errors import NotAllowed, TooManyRequests
from core.platform.names import normalize_email
from core.tenancy.models import Organization, Role
from core.tenancy.passwords import password_fits
from core.tenancy.view_as import looking_as, seen_in
from core.tenancy.viewers import Viewer

TICKET_S = 30
IDLE_MINUTES = 12 * 60
ABSOLUTE_HOURS = 7 * 24
WINDOW_S = 15 * 60
TRIES_PER_ACCOUNT_AND_ADDRESS = 5
TRIES_PER_ADDRESS = 60
WRONG = "The e-mail address or the password is not right."


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def sign_in(email: str, password: str, *, address: str) -> UUID:
    """The user with this e-mail and password.

    Wrong tries are limited per account *and* network address, and per address, in a window of 15
    minutes: nobody can lock somebody else out. An unknown account takes as long and answers the
    same as a wrong password.

    Raises:
        NotAllowed: the two do not fit, or the account is not active.
        TooManyRequests: too many tries.
    """
    normalized = normalize_email(email) or ""
    account = _hash(normalized).hex()[:32]
    own = f"sign-in:{account}:{address}"
    limits = {own: TRIES_PER_ACCOUNT_AND_ADDRESS, f"sign-in:{address}": TRIES_PER_ADDRESS}
    with as_guest() as db:
        stopped = next(
            (
                (key, wait_s)
                for key, limit in limits.items()
                if (wait_s := take_hit(db, key, limit, WINDOW_S))
            ),
            None,
        )
        found = db.execute(
            text("select * from app.find_sign_in(:email)"), {"email": normalized}
        ).first()
        if stopped and stopped[0] == own:
            note_lock_out(db, found.user_id if found else None, own)
    if stopped:
        raise TooManyRequests(
            "Too many tries. Wait a little, then try again.", retry_after_s=stopped[1]
        )
    fits = password_fits(password, found.password_hash if found else None)
    if found is None or not fits or not found.active:
        raise NotAllowed(WRONG)
    with as_guest() as db:
        for key in limits:
            db.execute(text("select app.give_back_hit(:key)"), {"key": key})
    return found.user_id


def user_known_as(email: str) -> UUID | None:
    """The active user with this address, for somebody who has proved elsewhere that it is
    theirs.
    """
    with as_guest() as db:
        found = db.execute(
            text("select * from app.find_sign_in(:email)"), {"email": normalize_email(email) or ""}
        ).first()
    return found.user_id if found is not None and found.active else None


def take_hit(db: Session, key: str, limit: int, window_s: int) -> int:
    """Count one use of ``key``; 0 when it is within ``limit`` per window, else the seconds
    to wait.
    """
    hit = text("select app.take_hit(:key, :limit, :window)")
    return db.execute(hit, {"key": key, "limit": limit, "window": window_s}).scalar_one()


def note_lock_out(db: Session, user_id: UUID | None, key: str) -> None:
    """Have the audit log say that an account's sign-ins failed too often, once per ``key`` and
    window.
    """
    db.execute(
        text("select app.record_lock_out(:user, :key, :window)"),
        {"user": user_id, "key": key, "window": WINDOW_S},
    )


def issue_ticket(user_id: UUID) -> str:
    """A single-use proof of a right password, good for 30 seconds: a page cannot set a cookie, a
    route can.
    """
    ticket = secrets.token_urlsafe(32)
    with as_guest() as db:
        db.execute(
            text("select app.issue_ticket(:user, :hash, :seconds)"),
            {"user": user_id, "hash": _hash(ticket), "seconds": TICKET_S},
        )
    return ticket


def open_session(ticket: str, *, address: str, user_agent: str) -> str | None:
    """Exchange a ticket for a new session's token; None for a used, expired or unknown one."""
    token = secrets.token_urlsafe(32)
    with as_guest() as db:
        user_id = db.execute(
            text("select app.open_session(:ticket, :token, :hours, :address, :agent)"),
            {
                "ticket": _hash(ticket),
                "token": _hash(token),
                "hours": ABSOLUTE_HOURS,
                "address": address,
                "agent": user_agent,
            },
        ).scalar()
    return token if user_id else None


def close_session(token: str) -> None:
    """Sign out: the token is worthless from now on, also a copy of it."""
    with as_guest() as db:
        db.execute(text("select app.close_session(:token)"), {"token": _hash(token)})


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
            {"token": _hash(token), "idle": IDLE_MINUTES},
        ).first()
        if found is None or found.organization_id is None:
            return None
        if in_use:
            db.execute(text("select app.use_session(:token)"), {"token": _hash(token)})
        seen = seen_in(db, token)
    viewer = viewer_in(
        found.user_id, found.organization_id, name=found.name, email=found.email, role=found.role
    )
    return looking_as(viewer, seen)


def viewer_in(user_id: UUID, organization_id: UUID, *, name: str, email: str, role: str) -> Viewer:
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


def places_of(user_id: UUID) -> list[Place]:
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
            {"token": _hash(token), "org": organization_id},
        ).scalar()
    if not chosen:
        raise NotAllowed("You are not a member of this organisation.")
