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
    ProviderError,
    ProviderUnavailable,
    UnexpectedAnswer,
)
from core.platform.log import logger
from core.providers.client import Client, RetryPolicy, Shown
from core.providers.registry import provider

log = logger("providers.slack")
ONE_TRY = RetryPolicy(timeout_s=10.0, tries=1)  # the outbox tries again
NO_LONGER_VALID = {403, 404, 410}
LAYOUT_REFUSED = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
GOVERNMENT = "https://hooks.slack-gov.com"
PATH = re.compile(r"/services/[\w/-]+", re.ASCII)


def check_address(url: str) -> str:
    """``url`` if it is an incoming webhook's address at Slack. Raises InvalidInput, so that nothing
    is posted elsewhere.
    """
    return "".join(_host_and_path(url))


def _host_and_path(url: str) -> tuple[str, str]:
    for host in (provider("slack").base_url().rstrip("/"), GOVERNMENT):
        path = url.removeprefix(host)
        if url.startswith(host) and PATH.fullmatch(path):
            return host, path
    raise InvalidInput("This is not the address of a Slack incoming webhook.", field="webhook_url")


def post_message(
    url: str, body: dict[str, Any], *, transport: httpx.BaseTransport | None = None
) -> None:
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
    host, path = _host_and_path(url)
    with Client(
        "Slack", host, {}, secrets=(path,), retry=ONE_TRY, refusal=_refusal, transport=transport
    ) as slack:
        try:
            _post(slack, path, body)
        except UnexpectedAnswer as refused:
            if refused.provider_code not in LAYOUT_REFUSED or "blocks" not in body:
                raise
            log.error("layout refused", why=refused.provider_code)
            _post(slack, path, {"text": body["text"]})


def _post(slack: Client, path: str, body: dict[str, Any]) -> None:
    try:
        slack.send("POST", path, json=body)
    except OutcomeUnknown:
        raise OutcomeUnknown("Slack did not answer; the message may have been posted.") from None


def _refusal(answer: httpx.Response, shown: Shown) -> ProviderError | None:
    """What Slack means by a refusal, where that is more than the status says. Its reason is plain
    text.
    """
    why = shown(answer.text)
    if answer.status_code in NO_LONGER_VALID:
        return AuthenticationFailed(
            f"Slack no longer accepts this webhook ({why}); enter a new one."
        )
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return None
    if answer.is_server_error:
        return ProviderUnavailable(f"Slack answered {answer.status_code}.")
    return UnexpectedAnswer(
        f"Slack refused the message: {answer.status_code} {why}", provider_code=why
    )
