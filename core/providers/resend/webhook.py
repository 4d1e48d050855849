"""What Resend's webhook says of addresses that cannot or will not be reached.

Facts: Resend documentation (“Webhooks”), ``resend`` 2.51.0.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.messages.suppression_list import suppress
from core.platform.errors import InvalidInput
from core.platform.normalization import mailable_email, normalize_email
from core.providers.provider import PROCESSED, Delivered, Outcome, not_about, one_by_one
from core.providers.resend.sending import ORGANIZATION_TAG
from core.providers.signatures import BadSignature, check_standard_webhook, sign_standard_webhook
from core.providers.values import first, mapping, moment, word

SHORTEST_KEY = 12
TEMPORARY_BOUNCES = {"Temporary", "Transient", "Undetermined"}


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Raises BadSignature unless the delivery is signed as Svix does: the key is what stands in
    base64 after ``whsec_``.
    """
    if not _is_usable(secret):  # with a secret that was mistyped anybody could sign
        raise BadSignature("the connection's secret is none of Resend's")
    check_standard_webhook(headers, body, _key(secret), now, prefix="svix")


def check_secret(secret: str) -> None:
    """Raises InvalidInput for a secret with which no delivery could be checked."""
    if not _is_usable(secret):
        raise InvalidInput(
            "That doesn't look like a Resend signing secret. It should be whsec_ and at least 16"
            " more letters and digits.",
            field="secret",
        )


def _is_usable(secret: str) -> bool:
    try:
        return len(_key(secret)) >= SHORTEST_KEY
    except ValueError:
        return False


def sign(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """The headers of a delivery as Svix signs it for Resend."""
    message_id = f"msg_{hashlib.sha256(body).hexdigest()[:24]}"
    return sign_standard_webhook(message_id, body, _key(secret), at, prefix="svix")


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


def delivery_key(headers: Mapping[str, str], body: bytes) -> str:
    """The message id, which retries keep."""
    return headers.get("svix-id") or hashlib.sha256(body).hexdigest()


def event_type(payload: dict[str, Any]) -> str | None:
    name = payload.get("type")
    return name if isinstance(name, str) else None


@one_by_one
def handle(db: Session, delivered: Delivered) -> Outcome:
    """Note the addresses that bounced for good or complained, so that nothing is sent to them any
    more.

    A Resend account may serve several organisations: an e-mail that names another one is that one's
    business. One without a name was not sent by us, but from the same account, and its address is
    as unreachable.
    """
    payload = delivered.payload
    name, said = event_type(payload) or "", mapping(payload.get("data"))
    reason = _reason_of(name, said)
    if reason is None:
        return not_about(name, "an address that cannot be reached")
    if _organization_of(said) not in (None, str(delivered.connection.organization_id)):
        return Outcome(ignored="the e-mail was another organisation's")
    addresses = list(_addresses(said))
    if not addresses:
        return Outcome(ignored=f"“{name}” names no address")
    at = first([moment(payload.get("created_at")), moment(said.get("created_at"))])
    for address in addresses:
        suppress(db, address, reason, at or delivered.arrived_at)
    return PROCESSED


def _reason_of(name: str, said: dict[str, Any]) -> str | None:
    if name == "email.complained":
        return "complained"
    bounce = word(mapping(said.get("bounce")).get("type"))
    permanent = name == "email.bounced" and bounce not in TEMPORARY_BOUNCES
    return "bounced" if permanent or name == "email.suppressed" else None


def _organization_of(said: dict[str, Any]) -> str | None:
    """The tag that ``send`` gave the e-mail; Resend writes tags as a list of names and values,
    earlier as an object.
    """
    tags = said.get("tags")
    listed = [mapping(tag) for tag in tags] if isinstance(tags, list) else []
    named = {word(tag.get("name")): tag.get("value") for tag in listed} | mapping(tags)
    return word(named.get(ORGANIZATION_TAG))


def _addresses(said: dict[str, Any]) -> Iterator[str]:
    to = said.get("to")
    for written in to if isinstance(to, list) else [to]:
        text = written if isinstance(written, str) else None
        if address := mailable_email(text) or normalize_email(text):
            yield address
