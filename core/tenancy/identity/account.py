"""One's own account: where it is signed in, and its password. The session cookie's token says whose
account it is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.errors import InvalidInput, NotAllowed, NotFound
from core.tenancy.identity.passwords import check_password, hash_password
from core.tenancy.identity.sign_in import IDLE_MINUTES, sign_in


@dataclass(frozen=True)
class Account:
    """A person's account, independent of any organisation. It has no password if they sign in
    through their company.
    """

    user_id: UUID
    email: str
    name: str
    has_password: bool
    password_changed_at: datetime | None


@dataclass(frozen=True)
class SignedIn:
    """A browser that is signed in to the account; ``is_this`` marks the one that asks."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    ip_address: str | None
    user_agent: str | None
    is_this: bool


def account_of(db: Session, token: str) -> Account:
    """The account of a session cookie. Raises NotAllowed when the session has ended."""
    found = ask(db, "select * from app.account_facts(:token)", token).first()
    if found is None:
        raise NotAllowed("You are signed out. Reload the page to sign in.")
    return Account(
        found.user_id, found.email, found.name, found.has_password, found.password_changed_at
    )


def ask(db: Session, statement: str, token: str, **values: Any) -> Any:
    """Call a database function that identifies the account by the cookie's token. Only the token's
    hash is passed.
    """
    return db.execute(text(statement), {"token": hashlib.sha256(token.encode()).digest()} | values)


def sessions_of(db: Session, token: str) -> list[SignedIn]:
    """Where the account is signed in: this browser first, then the most recently used."""
    rows = ask(db, "select * from app.own_sessions(:token, :idle)", token, idle=IDLE_MINUTES).all()
    return [SignedIn(**row._mapping) for row in rows]


def end_session(db: Session, token: str, session_id: UUID) -> None:
    """Sign one browser out. Raises NotFound unless the session is the account's own and still
    open.
    """
    if not ask(db, "select app.end_own_session(:token, :id)", token, id=session_id).scalar():
        raise NotFound("That browser is signed out already.")


def end_sign_ins(db: Session, token: str, *, also_this: bool) -> int:
    """Sign out everywhere, including this browser if ``also_this``, and end all API tokens issued
    so far. Returns how many browsers were signed out.
    """
    return ask(db, "select app.end_own_sign_ins(:token, :also)", token, also=also_this).scalar_one()


def prove_password(email: str, password: str, *, address: str) -> UUID:
    """Check the account's password again, with the same limits as at the sign-in.

    Raises NotAllowed and TooManyRequests.
    """
    try:
        return sign_in(email, password, address=address)
    except NotAllowed as error:
        raise NotAllowed("The current password is not right.") from error


def change_password(db: Session, token: str, *, current: str, new: str, address: str) -> None:
    """Change the password. All other browsers are signed out at once, and API tokens issued so far
    end.

    Raises:
        InvalidInput: the new password is too easy, or the same as before.
        NotAllowed: the current password is wrong.
        TooManyRequests: it was wrong too often.
    """
    account = account_of(db, token)
    check_password(new, email=account.email)
    if new.strip() == current.strip():
        raise InvalidInput("The new password is the current one; choose another.", field="password")
    prove_password(account.email, current, address=address)
    if not ask(
        db, "select app.change_own_password(:token, :hash)", token, hash=hash_password(new)
    ).scalar():
        raise NotAllowed("You are signed out. Reload the page to sign in.")
