"""Signing and checking: the schemes that several providers share. What one way signs, the other
accepts.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

SIGNATURE = re.compile(r"[A-Za-z0-9+/_-]{16,}=*")
TIME_IN_SIGNATURE = re.compile(r"(?:^|,)\s*t=(\d{1,11})\b")
TOLERANCE_S = 300
MAX_TIMESTAMP_DIGITS = 12


class BadSignature(Exception):
    """The delivery was not signed with the connection's secret, or its signature is too old; the
    text never leaves us.
    """


def check_age(timestamp: str, now: datetime) -> None:
    """Raises BadSignature unless ``timestamp`` (unix seconds) is within five minutes of ``now``,
    past or future.
    """
    if not timestamp.isdecimal() or len(timestamp) > MAX_TIMESTAMP_DIGITS:
        raise BadSignature("the timestamp is no number of seconds")
    age = abs(now.timestamp() - int(timestamp))
    if age > TOLERANCE_S:
        raise BadSignature(f"stale timestamp, {age:.0f} s off")


def sign_timed_hex(body: bytes, secret: str, at: datetime) -> str:
    """``t=<seconds>,v1=<hex>``: HMAC-SHA256 of ``t.body`` with the secret's UTF-8 bytes."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_timed_hex(seconds, body, secret)}"


def _timed_hex(timestamp: str, body: bytes, secret: str) -> str:
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def check_timed_hex(header: str, body: bytes, secret: str, now: datetime) -> None:
    """Check the header that ``sign_timed_hex`` makes.

    Calendly, Stripe and Whop's older webhooks share this scheme; several ``v1`` stand there while a
    secret is rolled. Raises BadSignature.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    check_age(timestamp, now)
    expected = _timed_hex(timestamp, body, secret)
    if not any(hmac.compare_digest(expected.encode(), value.encode()) for value in given):
        raise BadSignature("no matching signature")


def sign_standard_webhook(
    message_id: str, body: bytes, key: bytes, at: datetime, *, prefix: str = "webhook"
) -> dict[str, str]:
    """The Standard Webhooks headers: base64 HMAC-SHA256 of ``id.timestamp.body``.

    ``prefix`` is how the headers begin: ``svix`` where Svix sends them.
    """
    seconds = str(int(at.timestamp()))
    return {
        f"{prefix}-id": message_id,
        f"{prefix}-timestamp": seconds,
        f"{prefix}-signature": _standard(message_id, seconds, body, key),
    }


def _standard(message_id: str, timestamp: str, body: bytes, key: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def check_standard_webhook(
    headers: Mapping[str, str], body: bytes, key: bytes, now: datetime, *, prefix: str = "webhook"
) -> None:
    """Check the headers that ``sign_standard_webhook`` makes; any of several signatures may match.
    Raises BadSignature.
    """
    message_id, timestamp = headers.get(f"{prefix}-id", ""), headers.get(f"{prefix}-timestamp", "")
    check_age(timestamp, now)
    expected = _standard(message_id, timestamp, body, key).encode()
    given = headers.get(f"{prefix}-signature", "").split(" ")
    if not message_id or not any(hmac.compare_digest(expected, value.encode()) for value in given):
        raise BadSignature("no matching signature")


def without_signatures(header: str) -> str:
    """The header that proves a delivery, as it may be stored: without what proves it."""
    return SIGNATURE.sub("…", header)


def signed_at(headers: Mapping[str, str | None]) -> datetime | None:
    """When a delivery was signed, by its stored headers; None where the scheme does not say it."""
    for name, value in headers.items():
        found = TIME_IN_SIGNATURE.search(value or "") if name.endswith("signature") else None
        seconds = found[1] if found else value if name.endswith("-timestamp") else None
        if seconds and seconds.isdecimal() and len(seconds) < MAX_TIMESTAMP_DIGITS:
            return datetime.fromtimestamp(int(seconds), UTC)
    return None
