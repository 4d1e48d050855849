"""E-mail through Resend's HTTP API.

Facts: Resend documentation (“Send email”, “Idempotency keys”, “Errors”, “Usage limits”),
``resend`` 2.51.0.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from core.messages.email_templates import Email
from core.platform.clock import now
from core.platform.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    UnexpectedAnswer,
)
from core.platform.normalization import smtp_address
from core.platform.settings import settings
from core.providers.client import Client, RetryPolicy, Shown
from core.providers.registry import provider

ONE_TRY = RetryPolicy(timeout_s=15.0, tries=1)  # the outbox tries again
STILL_RUNNING_S = 5.0
ORGANIZATION_TAG = "organization"
QUOTAS = {"daily_quota_exceeded", "monthly_quota_exceeded"}


def send(
    api_key: str,
    to: str,
    email: Email,
    *,
    organization_id: UUID,
    key: str,
    transport: httpx.BaseTransport | None = None,
) -> None:
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
    with Client(
        "Resend",
        provider("resend").base_url(),
        {"Authorization": f"Bearer {api_key}"},
        secrets=(api_key,),
        retry=ONE_TRY,
        refusal=_refusal,
        transport=transport,
    ) as client:
        client.send("POST", "/emails", repeatable=True, json=body, headers={"Idempotency-Key": key})


def _refusal(answer: httpx.Response, shown: Shown) -> ProviderError | None:
    """What Resend means by a refusal, where that is more than the status says."""
    name, message = map(shown, _reason(answer))
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
            return None
        case status if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return None
        case status:
            return UnexpectedAnswer(f"Resend refused the e-mail: {status} {name} {message}".strip())


def _reason(answer: httpx.Response) -> tuple[str, str]:
    try:
        said: Any = answer.json()
        return str(said.get("name", "")), str(said.get("message", ""))
    except (ValueError, AttributeError):
        return "", ""


def _until_tomorrow_s() -> float:
    tomorrow = (now() + timedelta(days=1)).replace(hour=0, minute=1, second=0, microsecond=0)
    return (tomorrow - now()).total_seconds()
