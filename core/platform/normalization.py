"""E-mail addresses, phone numbers and names as they are compared. The original of an address or a
number is stored, and its normal form stands beside it.

``app.composed``, ``app.comparable`` and ``app.folded`` do the same in SQL, for texts that only the
database sees; ``tests/platform/test_normalization.py`` compares both for every character. SQL knows
no punycode: where it looks for an address, it is given all of ``spellings``.
"""

from __future__ import annotations

import re
import unicodedata

import idna
import phonenumbers

# Invisible. Screens put it into addresses so that they are shown as text, not as links; see
# core.ui.parts.format.plain.
JOINER = "\N{WORD JOINER}"
# What is not seen: format characters, and what else Unicode calls ignorable by default. People
# paste it along with an address or a name. functions/normalization.sql has the same list.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Letters of double width, as Japanese keyboards write the signs of ASCII.
WIDE = {0xFF01 + place: 0x21 + place for place in range(0x5E)}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
DOMAIN_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_EMAIL = 254


def composed(text: str) -> str:
    """The text without what is not seen, each accent one character with its letter."""
    return unicodedata.normalize("NFC", INVISIBLE.sub("", text))


def comparable(text: str) -> str:
    """The text as addresses are compared: composed, of single width, in small letters, trimmed."""
    plain = composed(text).translate(WIDE)
    # one letter at a time, since a Greek word's last sigma is small in a way that SQL does not know
    return unicodedata.normalize("NFC", "".join(map(str.lower, plain))).strip()


def normalize_email(email: str | None) -> str | None:
    """The one form of an address, however it was typed, pasted or sent: without what is not seen,
    in small letters, accents composed, the domain in letters and not in punycode. None when there
    is nothing that could be an address, so that it never matches.
    """
    local, at, domain = comparable(email or "").rpartition("@")
    text = f"{local}{at}{_in_letters(domain)}"
    return text if EMAIL.fullmatch(text) and text.isprintable() else None


def spellings(email: str) -> list[str]:
    """How a normal address may stand in texts that were received: itself, and with its domain in
    punycode.
    """
    local, _, domain = email.rpartition("@")
    return list(dict.fromkeys([email, f"{local}@{_in_punycode(domain)}"]))


def _in_letters(domain: str) -> str:
    plain = domain.rstrip(".")
    if plain.isascii() and "xn--" not in plain:
        return plain
    try:
        return idna.decode(idna.encode(plain, uts46=True))
    except UnicodeError:  # no valid name, as one of pictures, which browsers open all the same
        return ".".join(map(_label_in_letters, plain.split(".")))


def _label_in_letters(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return comparable(label.removeprefix("xn--").encode().decode("punycode"))
    except UnicodeError:
        return label


def _in_punycode(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain).decode()
    except UnicodeError:
        return ".".join(
            label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
            for label in domain.split(".")
        )


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
        number = phonenumbers.parse(INVISIBLE.sub("", phone or ""), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def fold(name: str | None) -> str:
    """A name as it is compared: case, surrounding and repeated spaces, ``-`` and ``_`` do not
    matter, nor how its letters and accents are written.
    """
    plain = unicodedata.normalize("NFKC", INVISIBLE.sub("", name or ""))
    small = "".join(map(str.lower, plain)).replace("ß", "ss").replace("ς", "σ")
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", small)).strip()
