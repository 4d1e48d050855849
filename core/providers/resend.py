"""E-mail through Resend: sending over its HTTP API, and what its webhook tells of addresses that
cannot or will not be reached.

Facts: Resend documentation (“Send email”, “Idempotency keys”, “Errors”, “Usage limits”,
“Webhooks”), ``resend`` 2.51.0.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection
from core.messages.email_templates import Email
from core.messages.suppression_list import suppress
from core.platform.clock import now
from core.platform.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    UnexpectedAnswer,
)
from core.platform.normalization import mailable_email, normalize_email, smtp_address
from core.platform.settings import settings
from core.providers.base import PROCESSED, BadSignature, Outcome, check_standard_webhook
from core.providers.pauses import pause_s

TIMEOUT_S = 15.0
STILL_RUNNING_S = 5.0
ORGANIZATION_TAG = "organization"
SHORTEST_KEY = 12
TEMPORARY_BOUNCES = {"Temporary", "Transient", "Undetermined"}
QUOTAS = {"daily_quota_exceeded", "monthly_quota_exceeded"}


def send(api_key: str, to: str, email: Email, *, organization_id: UUID, key: str) -> None:
    """Send one e-mail. ``key`` is the same whenever the same e-mail is sent again: Resend then
    sends it once.

    Raises:
        RateLimited, ProviderUnavailable: perhaps not sent; safe to try again with the same key.
        OutcomeUnknown: another e-mail went out under this key.
        AuthenticationFailed: the key or the sender's domain is refused.
        UnexpectedAnswer: Resend refuses the e-mail itself.
    """
    body = {
        "from": settings().email_from,
        "to": [smtp_address(to)],
        "subject": email.subject,
        "html": email.html,
        "text": email.text,
        "headers": {"Auto-Submitted": "auto-generated"},
        "tags": [{"name": ORGANIZATION_TAG, "value": str(organization_id)}],
    }
    headers = {
        "Authorization": f"Bearer {api_key}",
        "Idempotency-Key": key,
        "User-Agent": "sales-operations/1.0",
    }
    try:
        answer = httpx.post(
            f"{settings().resend_base_url.rstrip('/')}/emails",
            json=body,
            headers=headers,
            timeout=TIMEOUT_S,
        )
    except httpx.TransportError:
        raise ProviderUnavailable("Resend did not answer.") from None
    if not answer.is_success:
        raise _refusal(answer)


def _refusal(answer: httpx.Response) -> ProviderError:
    name, message = _reason(answer)
    match answer.status_code:
        case httpx.codes.UNAUTHORIZED | httpx.codes.FORBIDDEN:
            return AuthenticationFailed(f"Resend refuses the key or the sender ({name}): {message}")
        case httpx.codes.CONFLICT if name == "concurrent_idempotent_requests":
            return RateLimited("Resend is still sending it.", retry_after_s=STILL_RUNNING_S)
        case httpx.codes.CONFLICT:
            return OutcomeUnknown(
                f"Resend knows another e-mail under this key ({name}); it may have been sent."
            )
        case httpx.codes.TOO_MANY_REQUESTS if name in QUOTAS:
            return RateLimited(
                f"Resend's quota is used up ({name}).", retry_after_s=_until_tomorrow_s()
            )
        case httpx.codes.TOO_MANY_REQUESTS:
            return RateLimited("Resend asks for a pause.", retry_after_s=pause_s(answer.headers))
        case status if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return ProviderUnavailable(f"Resend answered {status}.")
        case status:
            return UnexpectedAnswer(f"Resend refused the e-mail: {status} {name} {message}".strip())


def _reason(answer: httpx.Response) -> tuple[str, str]:
    try:
        said: Any = answer.json()
        return str(said.get("name", ""))[:80], str(said.get("message", ""))[:160]
    except (ValueError, AttributeError):
        return "", ""


def _until_tomorrow_s() -> float:
    tomorrow = (now() + timedelta(days=1)).replace(hour=0, minute=1, second=0, microsecond=0)
    return (tomorrow - now()).total_seconds()


def verify(headers: Mapping[str, str], body: bytes, secret: str, *, now: datetime) -> None:
    """Raises BadSignature unless the delivery is signed as Svix does: the key is what stands in
    base64 after ``whsec_``.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"))
    except ValueError:
        key = b""
    if len(key) < SHORTEST_KEY:  # with a secret that was mistyped anybody could sign
        raise BadSignature("the connection's secret is none of Resend's")
    check_standard_webhook(headers, body, key, now, prefix="svix")


def delivery_key(headers: Mapping[str, str], body: bytes) -> str:
    """The message id, which retries keep."""
    return headers.get("svix-id") or hashlib.sha256(body).hexdigest()


def event_type(payload: dict[str, Any]) -> str | None:
    name = payload.get("type")
    return name if isinstance(name, str) else None


def handle(db: Session, connection: WebhookConnection, payload: dict[str, Any]) -> Outcome:
    """Note the addresses that bounced for good or complained, so that nothing is sent to them any
    more.

    A Resend account may serve several organisations: an e-mail that names another one is that one's
    business. One without a name was not sent by us, but from the same account, and its address is
    as unreachable.
    """
    name, said = event_type(payload) or "", payload.get("data") or {}
    reason = _reason_of(name, said)
    if reason is None:
        return Outcome(ignored=f"“{name}” is not about an address that cannot be reached")
    if _organization_of(said) not in (None, str(connection.organization_id)):
        return Outcome(ignored="the e-mail was another organisation's")
    at = datetime.fromisoformat(payload["created_at"])
    for address in _addresses(said):
        suppress(db, connection.organization_id, address, reason, at)
    return PROCESSED


def _reason_of(name: str, said: dict[str, Any]) -> str | None:
    if name == "email.complained":
        return "complained"
    bounce = (said.get("bounce") or {}).get("type")
    permanent = name == "email.bounced" and bounce not in TEMPORARY_BOUNCES
    return "bounced" if permanent or name == "email.suppressed" else None


def _organization_of(said: dict[str, Any]) -> str | None:
    """The tag that ``send`` gave the e-mail; Resend writes tags as a list of names and values,
    earlier as an object.
    """
    tags = said.get("tags") or {}
    named = tags if isinstance(tags, dict) else {tag.get("name"): tag.get("value") for tag in tags}
    return named.get(ORGANIZATION_TAG)


def _addresses(said: dict[str, Any]) -> Iterator[str]:
    to = said["to"]
    for written in [to] if isinstance(to, str) else to:
        if address := mailable_email(written) or normalize_email(written):
            yield address
