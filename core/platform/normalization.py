"""Normal forms of e-mail addresses and phone numbers, for comparing them. Tables store the normal
form beside what was entered.
"""

from __future__ import annotations

import re
import unicodedata

import idna
import phonenumbers

# Invisible. Screens put it into addresses so that they are shown as text, not as links; see
# core.ui.parts.format.plain.
JOINER = "\N{WORD JOINER}"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
DOMAIN_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_EMAIL = 254


def normalize_email(email: str | None) -> str | None:
    """Trimmed, in lower case, accents composed. None for text that cannot be an address, so that it
    never matches another.

    An address copied from a screen may contain invisible joiners; they are removed.
    """
    text = unicodedata.normalize("NFC", (email or "").replace(JOINER, "").strip().lower())
    return text if EMAIL.fullmatch(text) and text.isprintable() else None


def mailable_email(email: str | None) -> str | None:
    """The normal form of an address that mail can be sent to. None for anything that a header or a
    mail server could read as something other than one plain address.

    Letters of every script are allowed; a domain is given in its own script, not in Punycode.
    """
    text = normalize_email(email) or ""
    local, _, domain = text.partition("@")
    if (
        len(text) > LONGEST_EMAIL
        or not LOCAL_PART.fullmatch(_every_letter_as_x(local))
        or (shown := _shown_domain(domain)) is None
    ):
        return None
    address = f"{local}@{shown}"
    return address if len(smtp_address(address).encode()) <= LONGEST_EMAIL else None


def smtp_address(address: str) -> str:
    """A mailable address as mail servers expect it: the domain in ASCII (IDNA 2008), the part
    before the @ unchanged.
    """
    local, _, domain = address.partition("@")
    return f"{local}@{domain if domain.isascii() else idna.encode(domain).decode()}"


def _every_letter_as_x(local: str) -> str:
    """Replaces letters, their marks and digits, which RFC 6531 allows before the @, by ``x``."""
    return "".join(
        letter if letter.isascii() or unicodedata.category(letter)[0] not in "LMN" else "x"
        for letter in local
    )


def _shown_domain(domain: str) -> str | None:
    plain = all(map(DOMAIN_LABEL.fullmatch, domain.split(".")))
    if plain and "xn--" not in domain:
        return domain
    try:
        return idna.decode(idna.encode(domain, strict=True, std3_rules=True))
    except UnicodeError:
        return None


def normalize_phone(phone: str | None, region: str) -> str | None:
    """The number in E.164, read with the organisation's region. None when it cannot be a phone
    number, so that it never matches another.
    """
    try:
        number = phonenumbers.parse(phone or "", region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def fold(name: str | None) -> str:
    """A name in the form in which names are compared: case, surrounding and repeated spaces, ``-``
    and ``_`` do not matter.
    """
    return re.sub(r"[\s_-]+", " ", name or "").strip().casefold()
