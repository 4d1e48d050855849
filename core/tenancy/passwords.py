"""Passwords: rules that people can meet, and hashes that stay slow to guess."""
from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

import bcrypt

from core.platform.errors import InvalidInput

MINIMUM = 12
MAXIMUM = 1024
COMMON = frozenset((
    "password", "passwort", "123456", "12345678", "qwerty", "letmein", "iloveyou", "welcome", "admin", "sunshine",
    "monkey", "dragon", "football", "baseball", "princess", "abc123", "changeme", "secret", "master", "hello",
))


def check_password(password: str, *, email: str = "") -> None:
    """Raises InvalidInput for a password that is too short, made of one repeated piece, or on every attacker's list."""
    text = password.strip()
    if len(text) < MINIMUM:
        raise InvalidInput(f"A password needs at least {MINIMUM} characters; a few words in a row are easiest.", field="password")
    if len(text) > MAXIMUM:
        raise InvalidInput(f"A password may have at most {MAXIMUM} characters.", field="password")
    plain = text.casefold()
    core = plain.strip("0123456789!?.,-_*#$ ")
    if core in COMMON or not core or len(set(plain)) < 5 or any(plain == word * (len(plain) // len(word)) for word in COMMON):
        raise InvalidInput("That password is one of the first that anybody would try; choose another.", field="password")
    if email and email.casefold().partition("@")[0] and plain.strip("0123456789") == email.casefold():
        raise InvalidInput("A password must not be the e-mail address.", field="password")


def _prepared(password: str) -> bytes:
    """bcrypt reads 72 bytes at most and stops at a zero byte; hashing first lets every character of a long one count."""
    raw = password.strip().encode()
    return raw if len(raw) <= 72 and b"\0" not in raw else base64.b64encode(hashlib.sha256(raw).digest())


def hash_password(password: str) -> str:
    """The bcrypt hash to store."""
    return bcrypt.hashpw(_prepared(password), bcrypt.gensalt(rounds=12)).decode()


@lru_cache
def _nobodys_hash() -> bytes:
    return hash_password("an account that does not exist").encode()


def password_fits(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one. Without a stored one it takes as long, and the answer is no."""
    fits = bcrypt.checkpw(_prepared(password), stored.encode() if stored else _nobodys_hash())
    return fits and stored is not None
