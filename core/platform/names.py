"""E-mail addresses and phone numbers as they are matched: the original is kept, the normal form stands beside it."""
from __future__ import annotations

import re

import phonenumbers

JOINER = "\N{WORD JOINER}"  # invisible: screens put it into addresses that are shown as words, see core.ui.format.plain
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
DOMAIN_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_EMAIL = 254


def normalize_email(email: str | None) -> str | None:
    """Trimmed and lower-cased; None when there is nothing that could be an address, so that it never matches.

    One that was copied from a screen is what it looks like.
    """
    text = (email or "").replace(JOINER, "").strip().lower()
    return text if EMAIL.fullmatch(text) and text.isprintable() else None


def mailable_email(email: str | None) -> str | None:
    """The normal form of an address that mail can be sent to as it stands; None for anything a header or a mail server
    could read as more than one plain address."""
    text = normalize_email(email) or ""
    local, _, domain = text.partition("@")
    labels = domain.split(".")
    fits = len(text) <= LONGEST_EMAIL and LOCAL_PART.fullmatch(local) and all(map(DOMAIN_LABEL.fullmatch, labels))
    return text if fits else None


def normalize_phone(phone: str | None, region: str) -> str | None:
    """The E.164 form, read with the organisation's region; None when it is no possible number, so that it never matches."""
    try:
        number = phonenumbers.parse(phone or "", region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def fold(name: str | None) -> str:
    """A name as it is compared: case, surrounding and repeated spaces, ``-`` and ``_`` do not matter."""
    return re.sub(r"[\s_-]+", " ", name or "").strip().casefold()
