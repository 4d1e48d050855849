"""Signing in and out: the password, the ticket, and the session behind the cookie."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.database import as_guest
from core.platform.errors import NotAllowed, TooManyRequests
from core.platform.normalization import normalize_email
from core.platform.rate_limits import take_hit
from core.platform.tokens import hash_token
from core.tenancy.identity.passwords import password_fits

TICKET_S = 30
IDLE_MINUTES = 12 * 60
ABSOLUTE_HOURS = 7 * 24
WINDOW_S = 15 * 60
TRIES_PER_ACCOUNT_AND_ADDRESS = 5
TRIES_PER_ADDRESS = 60
WRONG = "The e-mail address or the password is not right."


def sign_in(email: str, password: str, *, address: str) -> UUID:
    """The user with this e-mail and password.

    Wrong attempts within 15 minutes are limited per account *and* network address, and per network
    address, so that nobody can lock somebody else out. For an unknown account the answer and the
    time it takes are the same as for a wrong password.

    Raises:
        NotAllowed: e-mail and password do not match, or the account is deactivated.
        TooManyRequests: too many attempts.
    """
    normalized = normalize_email(email) or ""
    account = hash_token(normalized).hex()[:32]
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
            record_lock_out(db, found.user_id if found else None, own)
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


def user_with_email(email: str) -> UUID | None:
    """The active user with this address, for somebody who has proved elsewhere that it is
    theirs.
    """
    with as_guest() as db:
        found = db.execute(
            text("select * from app.find_sign_in(:email)"), {"email": normalize_email(email) or ""}
        ).first()
    return found.user_id if found is not None and found.active else None


def record_lock_out(db: Session, user_id: UUID | None, key: str) -> None:
    """Record in the audit log that sign-ins to an account failed too often, once per ``key`` and
    window.
    """
    db.execute(
        text("select app.record_lock_out(:user, :key, :window)"),
        {"user": user_id, "key": key, "window": WINDOW_S},
    )


def issue_ticket(user_id: UUID) -> str:
    """A single-use proof of a correct password, valid for 30 seconds. It is needed because only a
    route can set a cookie, not the page with the form.
    """
    ticket = secrets.token_urlsafe(32)
    with as_guest() as db:
        db.execute(
            text("select app.issue_ticket(:user, :hash, :seconds)"),
            {"user": user_id, "hash": hash_token(ticket), "seconds": TICKET_S},
        )
    return ticket


def open_session(ticket: str, *, address: str, user_agent: str) -> str | None:
    """Exchange a ticket for a new session's token; None for a used, expired or unknown one."""
    token = secrets.token_urlsafe(32)
    with as_guest() as db:
        user_id = db.execute(
            text("select app.open_session(:ticket, :token, :hours, :address, :agent)"),
            {
                "ticket": hash_token(ticket),
                "token": hash_token(token),
                "hours": ABSOLUTE_HOURS,
                "address": address,
                "agent": user_agent,
            },
        ).scalar()
    return token if user_id else None


def close_session(token: str) -> None:
    """Sign out: the token stops working, in every browser that has a copy of it."""
    with as_guest() as db:
        db.execute(text("select app.close_session(:token)"), {"token": hash_token(token)})
