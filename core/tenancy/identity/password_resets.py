"""A forgotten password: a link by e-mail, good once and for half an hour, leads to a new one.

Asking answers everybody the same, in words and in work done: a job finds out whether there is such
an account.
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

    An account is sent three links in half an hour at most, whoever asks: the last ones in its
    mailbox are still good then, so nobody is locked out by it, and nobody is told.

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
    """Where e-mail about their account reaches a user; None for who gets in nowhere, or has an
    address that mail cannot be sent to. Needs the system's identity.
    """
    return mailable_email(
        db.execute(text("select app.account_address(:user)"), {"user": user_id}).scalar()
    )


def issue_link_token(db: Session, user_id: UUID) -> tuple[str, str] | None:
    """The user's address and the token for a new link; None when nothing reaches them. Needs the
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
    """The address of the account that the link is for; None for a link that is not, or no longer,
    good.
    """
    with as_guest() as db:
        return db.execute(
            text("select app.find_password_reset(:hash)"), {"hash": hash_token(token)}
        ).scalar()


def choose_password(token: str, password: str) -> None:
    """Set a new password by the link. Every browser is signed out, and API tokens and other links
    end.

    Raises:
        InvalidInput: the password is too easy; the link stays good.
        Conflict: the link is not, or no longer, good.
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
