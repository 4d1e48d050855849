"""Resetting a forgotten password: an e-mailed link, which works once within half an hour, leads to
a new one.

Everybody who asks gets the same answer after the same amount of work. Whether there is an account
is found out by a job later.
"""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.database import as_guest
from core.platform.errors import Conflict, TooManyRequests
from core.platform.normalization import mailable_email, normalize_email
from core.platform.rate_limits import take_hit
from core.platform.tokens import hash_token
from core.tenancy.identity.passwords import check_password, hash_password

MINUTES = 30
WINDOW_S = MINUTES * 60
LINKS_PER_ACCOUNT = 3
TRIES_PER_ADDRESS = 30
GONE = "This link is not valid any more: it works once, and for half an hour. Ask for a new one."


def ask_for_link(email: str, *, address: str) -> None:
    """Have a link sent to the account with this address, if there is one.

    At most three links are sent to an account in half an hour, whoever asks. The latest ones still
    work, so this locks nobody out, and it reveals nothing.

    Raises TooManyRequests when a network address asks too often.
    """
    normalized = normalize_email(email) or ""
    with as_guest() as db:
        wait_s = take_hit(db, f"reset:{address}", TRIES_PER_ADDRESS, WINDOW_S)
        enough = take_hit(
            db, f"reset:{hash_token(normalized or email).hex()[:32]}", LINKS_PER_ACCOUNT, WINDOW_S
        )
    if wait_s:
        raise TooManyRequests(
            "Too many tries. Wait a little, then try again.", retry_after_s=wait_s
        )
    if not enough:
        with as_guest() as db:
            db.execute(text("select app.ask_for_password_reset(:email)"), {"email": normalized})


def account_address(db: Session, user_id: UUID) -> str | None:
    """The address for e-mails about a user's account. None if the user cannot sign in to the
    organisation, or mail cannot be sent to their address. Needs the system's identity.
    """
    return mailable_email(
        db.execute(text("select app.account_address(:user)"), {"user": user_id}).scalar()
    )


def issue_link_token(db: Session, user_id: UUID) -> tuple[str, str] | None:
    """The user's address and the token for a new link; None if no e-mail can reach them. Needs the
    system's identity.
    """
    address = account_address(db, user_id)
    if address is None:
        return None
    token = secrets.token_urlsafe(32)
    add = text("select app.add_password_reset(:user, :hash, :minutes)")
    db.execute(add, {"user": user_id, "hash": hash_token(token), "minutes": MINUTES})
    return address, token


def whose_link(token: str) -> str | None:
    """The address of the account that a link is for; None if the link is not valid, or no
    longer.
    """
    with as_guest() as db:
        return db.execute(
            text("select app.find_password_reset(:hash)"), {"hash": hash_token(token)}
        ).scalar()


def choose_password(token: str, password: str) -> None:
    """Set a new password by a link. All sessions, API tokens and other links of the account end.

    Raises:
        InvalidInput: the password is too easy; the link can still be used.
        Conflict: the link is not valid, or no longer.
    """
    email = whose_link(token)
    if email is None:
        raise Conflict(GONE)
    check_password(password, email=email)
    use = text("select app.use_password_reset(:hash, :password)")
    with as_guest() as db:
        if not db.execute(
            use, {"hash": hash_token(token), "password": hash_password(password)}
        ).scalar():
            raise Conflict(GONE)
