"""Codes of an authenticator app (RFC 6238): six digits, each valid for thirty seconds."""

from __future__ import annotations

import hmac
import struct
from datetime import datetime
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
ISSUER = "Sales operations"


def totp(secret: bytes, step: int) -> str:
    """The code of one time step. Source: RFC 6238 over RFC 4226, with SHA-1, which every app
    uses.
    """
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def fitting_step(secret: bytes, code: str, at: datetime) -> int | None:
    """The time step that the code belongs to: the current one, or one of its neighbours in case a
    clock is a little off. None if it is none of them.
    """
    present = int(at.timestamp()) // STEP_S
    return next(
        (
            step
            for step in (present, present - 1, present + 1)
            if hmac.compare_digest(totp(secret, step), code)
        ),
        None,
    )


def in_groups(code: str) -> str:
    """``ABCD EFGH …``, in groups that are easy to read and type."""
    return " ".join(code[place : place + 4] for place in range(0, len(code), 4))


def address_for_app(secret: str, email: str) -> str:
    """The content of the QR code."""
    return f"otpauth://totp/{quote(f'{ISSUER}:{email}')}?secret={secret}&issuer={quote(ISSUER)}&digits={DIGITS}&period={STEP_S}"
