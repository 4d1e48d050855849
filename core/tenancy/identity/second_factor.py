"""The second factor: a code from an authenticator app (RFC 6238), or one of ten recovery codes."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.platform.clock import now
from core.platform.database import as_guest
from core.platform.errors import Conflict, InvalidInput, NotAllowed, TooManyRequests
from core.platform.rate_limits import take_hit
from core.platform.vault import seal, unseal
from core.tenancy.identity.account import account_of, ask, prove_password
from core.tenancy.identity.sign_in import WINDOW_S, record_lock_out
from core.tenancy.identity.totp import DIGITS, fitting_step, in_groups

SECRET_BYTES = 20
CODES = 10
CODE_BYTES = 10
HOUR_S = 3600
TRIES_PER_ACCOUNT_AND_ADDRESS = 5
TRIES_PER_ACCOUNT = 20
RECOVERIES_PER_ADDRESS = 20
WRONG_CODE = "The code is not right, or was used before. Wait for the next one."


@dataclass(frozen=True)
class SecondFactor:
    """A user's authenticator: in force once ``confirmed_at`` is set; how many recovery codes are
    left.
    """

    sealed: bytes
    confirmed_at: datetime | None
    codes_left: int


def belongs_to(user_id: UUID) -> tuple[str, ...]:
    """The place that a sealed secret is bound to: no organisation, then table, column and row."""
    return ("", "second_factors", "totp_secret", str(user_id))


def has_second_factor(user_id: UUID) -> bool:
    """Whether the sign-in asks for a code."""
    with as_guest() as db:
        return db.execute(
            text("select app.has_second_factor(:user)"), {"user": user_id}
        ).scalar_one()


def second_factor_of(db: Session, user_id: UUID) -> SecondFactor | None:
    """The user's authenticator, confirmed or not; None without one."""
    found = db.execute(text("select * from app.second_factor_of(:user)"), {"user": user_id}).first()
    return SecondFactor(found.sealed, found.confirmed_at, found.codes_left) if found else None


def waiting_secret(db: Session, token: str) -> str | None:
    """The secret in base32, while it waits to be confirmed. Once confirmed it is never shown
    again.
    """
    user_id = account_of(db, token).user_id
    found = second_factor_of(db, user_id)
    return (
        unseal(found.sealed, *belongs_to(user_id)) if found and found.confirmed_at is None else None
    )


def begin(db: Session, token: str, password: str, *, address: str) -> None:
    """Create a secret that waits for its first code. Raises NotAllowed, TooManyRequests, and
    Conflict when an authenticator is in force already.
    """
    account = account_of(db, token)
    if account.has_password:
        prove_password(account.email, password, address=address)
    secret = base64.b32encode(os.urandom(SECRET_BYTES)).decode()
    if not ask(
        db,
        "select app.begin_second_factor(:token, :sealed)",
        token,
        sealed=seal(secret, *belongs_to(account.user_id)),
    ).scalar():
        raise Conflict("A second factor is in force; switch it off first.")


def confirm(db: Session, token: str, code: str) -> list[str]:
    """Put the waiting secret in force by its first code. Returns the recovery codes, which are
    shown only this once.

    Raises InvalidInput for a wrong code, and Conflict when no secret waits.
    """
    secret = waiting_secret(db, token)
    if secret is None:
        raise Conflict("No second factor waits to be confirmed; begin again.")
    step = fitting_step(base64.b32decode(secret), _plain(code), now())
    if step is None:
        raise InvalidInput(
            "That code is not valid. Check that your phone's clock is right.", field="code"
        )
    codes, hashes = _new_codes(db, token)
    if not ask(
        db,
        "select app.confirm_second_factor(:token, :step, :codes)",
        token,
        step=step,
        codes=hashes,
    ).scalar():
        raise Conflict("No second factor waits to be confirmed; begin again.")
    return codes


def cancel(db: Session, token: str) -> None:
    """Delete a secret that waits to be confirmed; one in force stays."""
    ask(db, "select app.cancel_second_factor(:token)", token)


def renew_codes(db: Session, token: str, password: str, code: str, *, address: str) -> list[str]:
    """Ten new recovery codes in place of the old ones. Raises NotAllowed and TooManyRequests."""
    _prove_both(db, token, password, code, address=address)
    codes, hashes = _new_codes(db, token)
    ask(db, "select app.renew_recovery_codes(:token, :codes)", token, codes=hashes)
    return codes


def switch_off(db: Session, token: str, password: str, code: str, *, address: str) -> None:
    """Remove the second factor. Raises NotAllowed and TooManyRequests."""
    _prove_both(db, token, password, code, address=address)
    ask(db, "select app.drop_second_factor(:token)", token)


def _prove_both(db: Session, token: str, password: str, code: str, *, address: str) -> None:
    account = account_of(db, token)
    if account.has_password:
        prove_password(account.email, password, address=address)
    check_code(account.user_id, code, address=address)


def _new_codes(db: Session, token: str) -> tuple[list[str], list[bytes]]:
    user_id = account_of(db, token).user_id
    codes = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode() for _ in range(CODES)]
    return [in_groups(code) for code in codes], [_hash(user_id, code) for code in codes]


def _hash(user_id: UUID, code: str) -> bytes:
    """A fast hash is enough, since eighty random bits cannot be guessed; the user is the salt."""
    return hashlib.sha256(user_id.bytes + code.encode()).digest()


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())


def check_code(user_id: UUID, code: str, *, address: str) -> None:
    """Accept a code of the authenticator or a recovery code. Each works once.

    Wrong authenticator codes are limited twice: per account and network address, and per account,
    because six digits could be guessed from many addresses. Recovery codes cannot be guessed, so
    they still work while somebody else uses up the account's attempts.

    Raises:
        NotAllowed: the code is wrong, or was used before.
        TooManyRequests: too many attempts.
    """
    plain = _plain(code)
    is_totp = len(plain) == DIGITS and plain.isdigit()
    limits = {f"sign-in:recovery:{address}": (RECOVERIES_PER_ADDRESS, WINDOW_S)}
    if is_totp:
        limits = {
            f"sign-in:code:{user_id}:{address}": (TRIES_PER_ACCOUNT_AND_ADDRESS, WINDOW_S),
            f"sign-in:code:{user_id}": (TRIES_PER_ACCOUNT, HOUR_S),
        }
    with as_guest() as db:
        waits = [take_hit(db, key, limit, window_s) for key, (limit, window_s) in limits.items()]
        if any(waits):
            record_lock_out(db, user_id, f"sign-in:code:{user_id}")
    if any(waits):
        raise TooManyRequests(
            "Too many wrong codes. Wait, or use a recovery code.", retry_after_s=max(waits)
        )
    with as_guest() as db:
        if not (
            _takes_totp(db, user_id, plain) if is_totp else _takes_recovery(db, user_id, plain)
        ):
            raise NotAllowed(WRONG_CODE)
        for key in limits:
            db.execute(text("select app.give_back_hit(:key)"), {"key": key})


def _takes_totp(db: Session, user_id: UUID, code: str) -> bool:
    found = second_factor_of(db, user_id)
    if found is None or found.confirmed_at is None:
        return False
    step = fitting_step(base64.b32decode(unseal(found.sealed, *belongs_to(user_id))), code, now())
    taken = {"user": user_id, "step": step}
    return (
        step is not None
        and db.execute(text("select app.take_totp_step(:user, :step)"), taken).scalar() is True
    )


def _takes_recovery(db: Session, user_id: UUID, code: str) -> bool:
    used = {"user": user_id, "code": _hash(user_id, code)}
    return db.execute(text("select app.use_recovery_code(:user, :code)"), used).scalar() is True


def clear(db: Session, email_normalized: str) -> bool:
    """Remove a lost second factor. Returns whether there was one. Only for the people who run the
    installation, never from a screen.
    """
    return db.execute(
        text("select app.clear_second_factor(:email)"), {"email": email_normalized}
    ).scalar_one()


def sealed_factors(db: Session) -> Sequence[Any]:
    """``user_id`` and ``sealed`` of every authenticator, with the rows locked, for rotating the
    master key.
    """
    return db.execute(
        select(text("user_id, sealed")).select_from(text("app.sealed_second_factors()"))
    ).all()


def store_sealed(db: Session, user_id: UUID, sealed: bytes) -> None:
    """Store the same secret, sealed under another key."""
    db.execute(
        text("select app.reseal_second_factor(:user, :sealed)"), {"user": user_id, "sealed": sealed}
    )
