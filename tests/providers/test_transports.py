"""All requests to outside systems go through one client, over the transport that it is given."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from core.messages.email_templates import Email
from core.platform.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    UnexpectedAnswer,
)
from core.providers.account import Account
from core.providers.client import RetryPolicy
from core.providers.credentials import check_key
from core.providers.integrations import Access
from core.providers.resend import sending as resend
from core.providers.slack import messages as slack
from core.providers.twilio import texts as twilio

KEY = "re_nobody_7Qx_5f1c0b9a"
ORG = uuid4()
WEBHOOK = "https://hooks.slack.com/services/T0nobody/B0/X7Qx"
SID = "AC" + "0a" * 16


def post_to_slack(transport):
    slack.post_message(WEBHOOK, {"text": "Hello"}, transport=transport)


def email_through_resend(transport):
    email = Email("Hello", "Hello", "<p>Hello</p>")
    resend.send(KEY, "a@example.com", email, organization_id=ORG, key="1", transport=transport)


def text_through_twilio(transport):
    access = Access(KEY, {"account_sid": SID, "sender": "Alder"})
    twilio.send(access, "+4520123456", "Hello", transport=transport)


WAYS = [post_to_slack, email_through_resend, text_through_twilio]
SECRETS = {post_to_slack: WEBHOOK, email_through_resend: KEY, text_through_twilio: KEY}
REFUSALS = {429: RateLimited, 503: ProviderUnavailable, 401: ProviderError, 400: UnexpectedAnswer}


@pytest.mark.parametrize("way", WAYS)
def test_one_request_goes_over_the_transport_and_an_answer_is_enough(way):
    asked = []

    def answer(request):
        asked.append((request.method, request.url.host))
        return httpx.Response(200, text="ok" if way is post_to_slack else "{}")

    way(httpx.MockTransport(answer))
    assert [method for method, _ in asked] == ["POST"]


@pytest.mark.parametrize(("way", "secret"), SECRETS.items())
@pytest.mark.parametrize(("status", "raised"), REFUSALS.items())
def test_a_refusal_is_an_error_of_the_one_tree_and_holds_no_secret(way, secret, status, raised):
    said = json.dumps({"name": "x", "message": f"about {secret}"})
    refusal = httpx.Response(status, text=said, headers={"Retry-After": "90"})
    with pytest.raises(raised) as refused:
        way(httpx.MockTransport(lambda _: refusal))
    assert "nobody" not in refused.value.message


def test_a_line_that_breaks_is_known_by_what_may_have_happened():
    def broken(_):
        raise httpx.ReadError("gone")

    for way, raised in zip(
        WAYS, [OutcomeUnknown, ProviderUnavailable, OutcomeUnknown], strict=True
    ):
        with pytest.raises(raised):
            way(httpx.MockTransport(broken))


def test_a_key_is_checked_over_the_transport():
    def answer(request):
        if request.headers["authorization"] != f"Bearer {KEY}":
            return httpx.Response(401)
        return httpx.Response(200, json={"items": [{"name": "Alder"}]})

    transport = httpx.MockTransport(answer)
    assert check_key("dialpad", KEY, {}, transport=transport) == Account("Alder")
    with pytest.raises(AuthenticationFailed):
        check_key("dialpad", "another", {}, RetryPolicy(tries=1), transport=transport)
