"""What every webhook provider offers, and the pieces of signature checking they share."""

from __future__ import annotations

import base64
import hmac
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection

TOLERANCE_S = 300
MAX_TIMESTAMP_DIGITS = 12
INBOUND = ("calendly", "stripe", "whop", "resend")


class BadSignature(Exception):
    """The delivery was not signed with the connection's secret, or its signature is too old; the
    text never leaves us.
    """


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery: our rows changed, or it was genuine but nothing of ours,
    and why.
    """

    ignored: str | None = None


PROCESSED = Outcome()


class Provider(Protocol):
    """The functions a module under ``core.providers`` offers so that its webhooks can be
    received.
    """

    def verify(
        self, headers: Mapping[str, str], body: bytes, secret: str, *, now: datetime
    ) -> None:
        """Raises BadSignature unless ``body`` was signed with ``secret`` within the tolerance
        around ``now``.
        """

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """What makes two deliveries the same one; stays the same when the provider retries."""

    def event_type(self, payload: dict[str, Any]) -> str | None:
        """The provider's own name of what happened."""

    def handle(
        self, db: Session, connection: WebhookConnection, payload: dict[str, Any]
    ) -> Outcome:
        """Turn the delivery into rows. Safe to repeat, in any order. Raises when it cannot be done
        now.
        """


@cache
def provider(name: str) -> Provider:
    """The module of an inbound provider; imported on first use, so that a process loads only what
    it needs.
    """
    if name not in INBOUND:
        raise KeyError(name)
    module: Any = importlib.import_module(f"core.providers.{name}")
    return module


def check_age(timestamp: str, now: datetime) -> None:
    """Raises BadSignature unless ``timestamp`` (unix seconds) is within five minutes of ``now``,
    past or future.
    """
    if not timestamp.isdecimal() or len(timestamp) > MAX_TIMESTAMP_DIGITS:
        raise BadSignature("the timestamp is no number of seconds")
    age = abs(now.timestamp() - int(timestamp))
    if age > TOLERANCE_S:
        raise BadSignature(f"stale timestamp, {age:.0f} s off")


def check_timed_hex(header: str, body: bytes, secret: str, now: datetime) -> None:
    """Check a ``t=<seconds>,v1=<hex>[,v1=<hex>]`` header: HMAC-SHA256 of ``t.body`` with the
    secret's UTF-8 bytes.

    Calendly, Stripe and Whop's older webhooks share this scheme; several ``v1`` stand there while a
    secret is rolled. Raises BadSignature.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    check_age(timestamp, now)
    expected = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()
    if not any(hmac.compare_digest(expected.encode(), value.encode()) for value in given):
        raise BadSignature("no matching signature")


def check_standard_webhook(
    headers: Mapping[str, str], body: bytes, key: bytes, now: datetime, *, prefix: str = "webhook"
) -> None:
    """Check the Standard Webhooks headers: base64 HMAC-SHA256 of ``id.timestamp.body``; any of
    several may match.

    ``prefix`` is how the headers begin: ``svix`` where Svix sends them. Raises BadSignature.
    """
    message_id, timestamp = headers.get(f"{prefix}-id", ""), headers.get(f"{prefix}-timestamp", "")
    check_age(timestamp, now)
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    given = headers.get(f"{prefix}-signature", "").split(" ")
    if not message_id or not any(hmac.compare_digest(expected, value.encode()) for value in given):
        raise BadSignature("no matching signature")
