"""The client that every provider's stands on: it waits, tries again, gives up, and never says the
key.
"""

from __future__ import annotations

import traceback
from datetime import timedelta
from email.utils import format_datetime

import pytest

from core.platform.clock import now
from core.platform.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    PermissionMissing,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    UnexpectedAnswer,
    UnknownToProvider,
)
from core.providers.client import Client, RetryPolicy
from core.providers.retry_after import retry_after_s_or_none
from tests.fakes.providers import BROKEN, OVERLOADED, FakeProviders, HangUp, Silence, rate_limited
from tests.ports import free_port

SECRET = "sk_live_nobody.7Qx/5f1c0b9a+7d2e"
QUICK = RetryPolicy(timeout_s=0.5, tries=3, first_pause_s=0.001, longest_pause_s=1.0)


@pytest.fixture
def provider():
    with FakeProviders(keys={"dialpad": SECRET}).running() as fake:
        yield fake


@pytest.fixture
def client(provider):
    with to(f"{provider.url}/dialpad") as client:
        yield client


def to(address, retry=QUICK):
    return Client(
        "Dialpad",
        address,
        {"Authorization": f"Bearer {SECRET}"},
        secrets=(SECRET,),
        retry=retry,
    )


def test_an_answer_is_read_from_json(provider, client):
    assert client.get("/offices", limit=2)["items"][0]["name"] == "Alder Coaching"
    assert (provider.asked[0].path, provider.asked[0].query) == ("/dialpad/offices", "limit=2")


@pytest.mark.parametrize(
    "trouble",
    [BROKEN, OVERLOADED, rate_limited(Retry_After="0"), rate_limited(), HangUp(), Silence()],
    ids=repr,
)
def test_trouble_that_passes_is_not_noticed(provider, client, trouble):
    provider.will(trouble, trouble)
    assert client.get("/offices")["items"]
    assert len(provider.asked) == 3


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        (BROKEN, ProviderUnavailable),
        (OVERLOADED, ProviderUnavailable),
        (rate_limited(), RateLimited),
        (HangUp(), ProviderUnavailable),
        (Silence(), ProviderUnavailable),
        ((520, b"<html>", {}), ProviderUnavailable),
    ],
)
def test_trouble_that_stays_is_said_after_the_last_try(provider, client, trouble, raised):
    provider.will(*[trouble] * 9)
    with pytest.raises(raised):
        client.get("/offices")
    assert len(provider.asked) == QUICK.tries


def test_nobody_at_the_address_is_unavailable():
    with (
        to(f"http://127.0.0.1:{free_port()}") as client,
        pytest.raises(ProviderUnavailable, match="cannot be reached"),
    ):
        client.get("/offices")


def test_a_pause_longer_than_the_policy_allows_is_handed_on_at_once(provider, client):
    provider.will(rate_limited(Retry_After="90"))
    with pytest.raises(RateLimited) as limited:
        client.get("/offices")
    assert limited.value.retry_after_s == 90
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ((401, {"message": "no"}, {}), AuthenticationFailed),
        ((403, {}, {}), PermissionMissing),
        ((404, {}, {}), UnknownToProvider),
        ((400, {"errors": [{"message": "no"}]}, {}), UnexpectedAnswer),
        ((200, b"<html>", {}), UnexpectedAnswer),
        ((200, b"[" * 200_000, {}), UnexpectedAnswer),
        ((204, b"", {}), type(None)),
    ],
)
def test_other_answers_are_told_apart_and_not_asked_for_again(provider, client, answer, raised):
    provider.will(answer)
    if raised is type(None):
        assert client.get("/offices") is None
    else:
        with pytest.raises(raised):
            client.get("/offices")
    assert len(provider.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(provider, client, status):
    with FakeProviders(keys={"dialpad": SECRET}).running() as elsewhere:
        provider.will((status, {}, {"Location": f"{elsewhere.url}/dialpad/offices"}))
        with pytest.raises(UnexpectedAnswer, match="redirect"):
            client.get("/offices")
        assert elsewhere.asked == []


@pytest.mark.parametrize("path", ["https://example.com/offices", "offices", ""])
def test_only_the_address_of_the_settings_is_asked(provider, client, path):
    with pytest.raises(ValueError):
        client.get(path)
    assert provider.asked == []


@pytest.mark.parametrize(
    ("trouble", "raised", "asked"),
    [
        (BROKEN, OutcomeUnknown, 1),
        (HangUp(), OutcomeUnknown, 1),
        (OVERLOADED, ProviderUnavailable, 3),
        (rate_limited(), RateLimited, 3),
    ],
)
def test_what_changes_something_is_repeated_only_if_it_was_surely_not_done(
    provider, client, trouble, raised, asked
):
    provider.will(*[trouble] * 9)
    with pytest.raises(raised):
        client.request("POST", "/webhooks", json={"hook_url": "https://example.com"})
    assert len(provider.asked) == asked


def test_a_change_that_may_be_done_twice_is_repeated(provider, client):
    provider.will(BROKEN, HangUp(), (200, {"id": "1"}, {}))
    assert client.request("POST", "/webhooks", repeatable=True, json={}) == {"id": "1"}


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        f"Invalid key {SECRET}.",
        f"Invalid key {SECRET[:14]}****",
        f"Bearer {SECRET}",
        "sk_live_nobody.7Qx%2F5f1c0b9a%2B7d2e",
    ],
)
@pytest.mark.parametrize("place", ["message", "error", "errors", "msg", "errorMessage"])
def test_what_the_provider_says_of_the_key_is_not_repeated(provider, client, said, place):
    provider.will((401, {place: said}, {}))
    with pytest.raises(AuthenticationFailed) as failed:
        client.get("/offices")
    assert "nobody" not in failed.value.message
    assert "…" in failed.value.message


@pytest.mark.parametrize(
    "trouble",
    [
        HangUp(),
        Silence(),
        BROKEN,
        (302, {}, {"Location": SECRET}),
        (401, {"message": SECRET}, {}),
        (200, b"{", {}),
    ],
)
def test_no_traceback_and_no_repr_holds_the_key(provider, client, trouble):
    provider.will(*[trouble] * 9)
    with pytest.raises(ProviderError) as failed:
        client.get("/offices")
    told = (
        "".join(traceback.format_exception(failed.value))
        + repr(failed.value)
        + repr(client)
        + str(vars(failed.value))
    )
    assert SECRET not in told


def test_words_are_kept_short_and_printable(provider, client):
    provider.will((400, {"message": "a\x00b\n\ud800" + "x" * 900}, {}))
    with pytest.raises(UnexpectedAnswer) as failed:
        client.get("/offices")
    assert "“a b xxx" in failed.value.message
    assert failed.value.message.isprintable()
    assert len(failed.value.message) < 250


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"x-ratelimit-reset": "42"}, 42),
        ({"ratelimit": "limit=100, remaining=0, reset=5"}, 5),
        ({"ratelimit": "nonsense"}, None),
        ({"retry-after": "3", "x-ratelimit-reset": "42"}, 3),
    ],
)
def test_every_way_of_asking_for_a_pause_is_understood(headers, pause_s):
    assert retry_after_s_or_none(headers) == pause_s


def test_a_pause_until_an_instant_is_counted_from_now():
    then = now() + timedelta(seconds=60)
    assert 50 < retry_after_s_or_none({"retry-after": format_datetime(then)}) <= 60
    assert 50 < retry_after_s_or_none({"x-ratelimit-reset": str(int(then.timestamp()))}) <= 60
