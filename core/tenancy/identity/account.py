"""One's own account: where one is signed in, and the password. The cookie's token says whose
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
    """A person, apart from any organisation. Without a password they sign in through their
    company.
    """

    user_id: UUID
    email: str
    name: str
    has_password: bool
    password_changed_at: datetime | None


@dataclass(frozen=True)
class SignedIn:
    """One browser that is signed in to the account; ``is_this`` is the one that asks."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    ip_address: str | None
    user_agent: str | None
    is_this: bool


def account_of(db: Session, token: str) -> Account:
    """Whose cookie it is. Raises NotAllowed when the session has ended."""
    found = ask(db, "select * from app.account_facts(:token)", token).first()
    if found is None:
        raise NotAllowed("You are signed out. Reload the page to sign in.")
    return Account(
        found.user_id, found.email, found.name, found.has_password, found.password_changed_at
    )


def ask(db: Session, statement: str, token: str, **values: Any) -> Any:
    """Run a function of the database that goes by the cookie's token, of which only the hash is
    told.
    """
    return db.execute(text(statement), {"token": hashlib.sha256(token.encode()).digest()} | values)


def sessions_of(db: Session, token: str) -> list[SignedIn]:
    """Where the account is signed in: this browser first, then the latest seen."""
    rows = ask(db, "select * from app.own_sessions(:token, :idle)", token, idle=IDLE_MINUTES).all()
    return [SignedIn(**row._mapping) for row in rows]


def end_session(db: Session, token: str, session_id: UUID) -> None:
    """Sign one browser out. Raises NotFound for one that is not the account's own, or has ended
    before.
    """
    if not ask(db, "select app.end_own_session(:token, :id)", token, id=session_id).scalar():
        raise NotFound("That browser is signed out already.")


def end_sign_ins(db: Session, token: str, *, also_this: bool) -> int:
    """Sign out everywhere, here too or not; API tokens issued so far end as well. How many browsers
    that were.
    """
    return ask(db, "select app.end_own_sign_ins(:token, :also)", token, also=also_this).scalar_one()


def prove_password(email: str, password: str, *, address: str) -> UUID:
    """That it is the account's own person who sits there: the same check, with the same limits, as
    at the sign-in.

    Raises NotAllowed and TooManyRequests.
    """
    try:
        return sign_in(email, password, address=address)
    except NotAllowed as error:
        raise NotAllowed("The current password is not right.") from error


def change_password(db: Session, token: str, *, current: str, new: str, address: str) -> None:
    """Set another password. Every other browser is signed out at once, and API tokens issued so far
    end.

    Raises:
        InvalidInput: the new one is too easy, or the same.
        NotAllowed: the current one is not right.
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
