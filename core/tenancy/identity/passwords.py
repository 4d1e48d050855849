"""Passwords: rules that people can meet, and hashes that are slow to guess."""

from __future__ import annotations

import base64
import hashlib
import re
import string
import unicodedata

import bcrypt

from core.platform.errors import InvalidInput

MINIMUM = 12
MAXIMUM = 1024
ROUNDS = 12
BCRYPT_READS = 72
NOBODYS_HASH = "$2b$12$YNu/qwrlaw7IVqYEPd95Ye2LRYLC8/9ARlAsy2mV7uddxLuml6uDm"
COMMON = (
    "password",
    "passwort",
    "passw",
    "pass",
    "letmein",
    "iloveyou",
    "welcome",
    "administrator",
    "admin",
    "sunshine",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "princess",
    "changeme",
    "secret",
    "master",
    "hello",
    "login",
    "superman",
    "batman",
    "shadow",
    "michael",
    "starwars",
    "trustno",
    "whatever",
    "computer",
    "internet",
    "samsung",
    "pokemon",
    "test",
    "guest",
    "root",
    "user",
    "default",
    "company",
    "sales",
    "summer",
    "winter",
    "spring",
    "autumn",
    "monday",
    "friday",
    "january",
    "abc",
    "qwerty",
    "qwertz",
    "azerty",
    "asdf",
)
RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn",
)
LETTERS = str.maketrans("@$0135", "asoies")
MARKS = string.digits + string.punctuation + string.whitespace
ONLY_COMMON = re.compile(rf"(?:{'|'.join(COMMON)}|[{re.escape(MARKS)}])*")


def check_password(password: str, *, email: str = "") -> None:
    """Raises InvalidInput for a password that is too short, or among the first that an attacker
    would try.
    """
    text = password.strip()
    if len(text) < MINIMUM:
        raise InvalidInput(
            f"A password needs at least {MINIMUM} characters; a few words in a row are easiest.",
            field="password",
        )
    if len(text) > MAXIMUM:
        raise InvalidInput(f"A password may have at most {MAXIMUM} characters.", field="password")
    plain = text.casefold()
    core = plain.strip(MARKS)
    if (
        len(set(plain)) < 5
        or _is_run(plain)
        or _is_run(core)
        or any(map(ONLY_COMMON.fullmatch, (plain, core.translate(LETTERS))))
    ):
        raise InvalidInput(
            "That password is one of the first that anybody would try; choose another.",
            field="password",
        )
    if core and core in (email.casefold(), email.casefold().partition("@")[0]):
        raise InvalidInput("A password must not be the e-mail address.", field="password")


def _is_run(plain: str) -> bool:
    """Whether the characters follow each other in the alphabet or on the keyboard, forwards or
    backwards.
    """
    return any(plain and plain in way for run in RUNS for way in (run, run[::-1]))


def _prepared(password: str) -> bytes:
    """The password's bytes in one spelling: depending on the keyboard, an accented letter arrives
    as one character or as two.

    bcrypt reads at most 72 bytes and stops at a zero byte. Hashing such passwords first makes every
    character count.
    """
    raw = unicodedata.normalize("NFKC", password.strip()).encode("utf-8", "surrogatepass")
    return (
        raw
        if len(raw) <= BCRYPT_READS and b"\0" not in raw
        else base64.b64encode(hashlib.sha256(raw).digest())
    )


def hash_password(password: str) -> str:
    """The bcrypt hash to store."""
    return bcrypt.hashpw(_prepared(password), bcrypt.gensalt(rounds=ROUNDS)).decode()


def password_fits(password: str, stored: str | None) -> bool:
    """Whether the password is right. Without a stored hash the answer is no, after the same
    time.
    """
    fits = bcrypt.checkpw(_prepared(password), (stored or NOBODYS_HASH).encode())
    return fits and stored is not None
