"""Posting to Slack through an incoming webhook. Its address is the secret: it stands in no error
and no log.

Source: Slack documentation, “Sending messages using incoming webhooks”. Success is the plain text
``ok``.
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from core.platform.errors import (
    AuthenticationFailed,
    InvalidInput,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    UnexpectedAnswer,
)
from core.platform.log import logger
from core.platform.settings import settings
from core.providers.pauses import pause_s

log = logger("providers.slack")
TIMEOUT_S = 10.0
NO_LONGER_VALID = {403, 404, 410}
LAYOUT_REFUSED = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
GOVERNMENT = "https://hooks.slack-gov.com"
PATH = re.compile(r"/services/[\w/-]+", re.ASCII)


def check_address(url: str) -> str:
    """``url`` if it is an incoming webhook's address at Slack. Raises InvalidInput, so that nothing
    is posted elsewhere.
    """
    hosts = (settings().slack_base_url.rstrip("/"), GOVERNMENT)
    if not any(url.startswith(host) and PATH.fullmatch(url.removeprefix(host)) for host in hosts):
        raise InvalidInput(
            "This is not the address of a Slack incoming webhook.", field="webhook_url"
        )
    return url


def post_message(url: str, body: dict[str, Any]) -> None:
    """Post ``body`` (``text`` and ``blocks``) to the channel that ``url`` stands for; what Slack
    refuses to lay out, as text.

    Raises:
        RateLimited, ProviderUnavailable: not posted; safe to try again.
        OutcomeUnknown: it may stand in the channel; Slack has no key with which to ask again
        safely.
        AuthenticationFailed: the address is no longer valid, or the channel is gone.
        UnexpectedAnswer: Slack refused the message itself.
        InvalidInput: the address is not Slack's.
    """
    answer = _ask(url, body)
    if (
        answer.status_code == httpx.codes.BAD_REQUEST
        and answer.text.strip() in LAYOUT_REFUSED
        and "blocks" in body
    ):
        log.error("layout refused", why=answer.text.strip())
        answer = _ask(url, {"text": body["text"]})
    _check(answer)


def _ask(url: str, body: dict[str, Any]) -> httpx.Response:
    try:
        return httpx.post(check_address(url), json=body, timeout=TIMEOUT_S)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        raise ProviderUnavailable("Slack cannot be reached.") from None
    except httpx.TransportError:
        raise OutcomeUnknown("Slack did not answer; the message may have been posted.") from None


def _check(answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise RateLimited("Slack asks for a pause.", retry_after_s=pause_s(answer.headers))
    if answer.is_server_error:
        raise ProviderUnavailable(f"Slack answered {answer.status_code}.")
    if answer.status_code in NO_LONGER_VALID:
        raise AuthenticationFailed(
            f"Slack no longer accepts this webhook ({answer.text[:80]}); enter a new one."
        )
    if not answer.is_success:
        raise UnexpectedAnswer(
            f"Slack refused the message: {answer.status_code} {answer.text[:80]}"
        )
