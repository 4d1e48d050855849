"""What people see of a delivery: nothing that opens something, and everything else as it came."""

import json
from base64 import b64encode

import pytest

from core.deliveries.masking import MASKED, masked
from core.deliveries.reading import as_text
from core.providers.payloads import example, payload, payload_files
from core.providers.registry import with_inbound

HIDDEN = "PLANTED"
KEY = f"{HIDDEN}_5f1c0b9a7d2e4c63"
JWT = f"eyJhbGciOiJIUzI1NiJ9.{b64encode(b'{}').decode().rstrip('=')}.{HIDDEN}"
NAMES = (
    *("secret", "secrets", "client_secret", "clientSecret", "token", "access_token", "tokens"),
    *("api_key", "api-key", "api key", "apikey", "x-api-key", "APIKey", "private_key"),
    *("signing_key", "accessKey", "password", "passwd", "pwd", "passphrase", "pin", "auth"),
    *("cookie", "Set-Cookie", "jwt", "sig", "Authorization", "credential", "cvc"),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [HIDDEN, [HIDDEN], {"value": HIDDEN}, 12.5, 4711, True])
def test_what_stands_under_the_name_of_a_secret_is_masked_whole(name, value):
    assert masked({name: value, "amount": 100}) == {name: MASKED, "amount": 100}


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "session token"])
@pytest.mark.parametrize("named", ["name", "key", "header"])
def test_a_header_that_is_written_as_a_pair_is_masked(name, named):
    assert masked({named: name, "value": HIDDEN}) == {named: name, "value": MASKED}


@pytest.mark.parametrize(
    "value",
    [
        f"whsec_{KEY}/rest+of=it",
        "AKIAIOSFODNN7EXAMPLE",
        f"ghp_{KEY}",
        f"xoxb-12345-{KEY}",
        f"sk_live_{KEY}",
        JWT,
        "4242424242424242",
        "4242 4242 4242 4242",
        "3782-822463-10005",
        "-----BEGIN PRIVATE KEY-----\nPLANTED\n-----END PRIVATE KEY-----",
    ],
)
def test_what_has_the_shape_of_a_secret_is_masked_in_any_text(value):
    assert masked({"note": f"use {value} now"}) == {"note": f"use {MASKED} now"}
    assert masked([value, 4242424242424242]) == [MASKED, MASKED]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"https://x.example/cb?token={KEY}&x=1", f"https://x.example/cb?token={MASKED}&x=1"),
        (f"https://x.example/?to=%2Fa%3Fsig%3D{HIDDEN}", "https://x.example/?to=%2Fa%3Fsig%3D••••"),
        (f"https://user:{HIDDEN}@x.example/", f"https://{MASKED}@x.example/"),
        (
            f"a=1&client_secret={HIDDEN}&user[pwd]={HIDDEN}",
            f"a=1&client_secret={MASKED}&user[pwd]=••••",
        ),
        (f'{{"api_key": "{HIDDEN}", "a": 1}}', f'{{"api_key": "{MASKED}", "a": 1}}'),
        (f'{{"secret": {{"value": "{HIDDEN}"}}}}', f'{{"secret": "{MASKED}"}}'),
        (f'{{"secret": "{HIDDEN}\\" {HIDDEN}", "a":', f'{{"secret": "{MASKED}", "a":'),
        (f'{{"a": 1, "secret": {{"value": "{HIDDEN}', f'{{"a": 1, "secret": {MASKED}'),
        (f'{{"name": "Cookie", "value": "{HIDDEN}', f'{{"name": "Cookie", "value": "{MASKED}"'),
        (f"Authorization: Bearer {HIDDEN}\nHost: x", f"Authorization: {MASKED}\nHost: x"),
        (f"cookie: sid={HIDDEN}; b={HIDDEN}\nHost: x", f"cookie: {MASKED}\nHost: x"),
        (f"my password is {HIDDEN}", f"my password is {MASKED}"),
    ],
)
def test_secrets_within_a_text_are_masked_whether_or_not_the_delivery_is_json(text, left):
    assert masked({"text": text}) == {"text": left}
    assert HIDDEN not in as_text(text.encode())
    assert HIDDEN not in as_text(json.dumps({"a": text}).encode()[:-2])


def test_a_delivery_that_is_too_deep_to_be_read_is_masked_as_text():
    body = "[" * 100_000 + f'{{"secret":"{HIDDEN}"}}' + "]" * 100_000
    assert HIDDEN not in as_text(body.encode())


@pytest.mark.parametrize(
    ("provider", "file"),
    [(provider, file) for provider in with_inbound() for file in payload_files(provider)],
)
def test_what_providers_send_stays_readable(provider, file):
    content = payload(provider, file, example())
    assert masked(content) == content


@pytest.mark.parametrize(
    "value",
    [
        "lead.one@example.com",
        "https://api.calendly.com/scheduled_events/0d8b4a3e-1d1a-4d3e-9d7e/invitees/5f1c0b9a7d2e",
        "https://calendly.com/cancellations/0d8b4a3e-1d1a-4d3e-9d7e-2b1c0f9e8d7c",
        "pi_3PqLmNoPqRsTuVwX",
        "+45 20 87 65 43",
        "DK5000400440116243",
        "1764297600000",
        "4242424242424241",
        "2026-11-28T02:30:00.000000Z",
        "The author's shipping pinned: opinion, signed_at: today",
    ],
)
def test_ids_addresses_amounts_and_moments_stay_readable(value):
    content = {
        "value": value,
        "idempotency_key": value,
        "author": value,
        "shipping": 4997,
        "signed_at": "2026-11-28",
        "amounts": [499700, 12.5, 1764297600],
        "token": None,
    }
    assert masked(content) == content
