"""The providers' own test vectors, and everything that must not pass for them."""

import base64
import hmac
from datetime import UTC, datetime

import pytest

from core.providers.registry import inbound
from core.providers.signatures import BadSignature

AT = 1793631845
CALENDLY = (
    b'{"event":"invitee.created","created_at":"2026-11-02T15:04:05.000000Z",'
    b'"payload":{"email":"Lead@Example.com"}}'
)
STRIPE = (
    b'{"id":"evt_1TestVector","object":"event","type":"charge.succeeded",'
    b'"data":{"object":{"id":"ch_1","object":"charge"}}}'
)
WHOP = (
    b'{"id":"msg_testvector0001","api_version":"v1",'
    b'"type":"payment.succeeded","data":{"id":"pay_testvector"}}'
)
WHOP_V5 = (
    b'{"action":"payment.succeeded","api_version":"v5",'
    b'"data":{"id":"pay_testvector","final_amount":997.0,"currency":"usd"}}'
)
WHOP_SECRET = "ws_3f9a1c5e7b2d4806a1b3c5d7e9f01234"
RESEND_AT = 1774778400
RESEND = (
    b'{"type":"email.delivered","created_at":"2026-03-29T10:00:00.000Z",'
    b'"data":{"email_id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}}'
)
VECTORS = {
    "calendly": (
        "calendly",
        "caltest_9f2c1b7e5d3a4860",
        CALENDLY,
        {
            "calendly-webhook-signature": (
                f"t={AT},v1=7b1b999d8c66f0e7896dd0a25abca59c95032a6f922ca158f6aca2293f7278cf"
            )
        },
    ),
    "stripe": (
        "stripe",
        "whsec_test_5f1c0b9a7d2e4c63",
        STRIPE,
        {
            "stripe-signature": (
                f"t={AT},v1=9ede6e0b6adcc08acd83e22f08e42a9b8ca6f7db0e9ba8327ae17419ad5ffde8"
            )
        },
    ),
    "whop": (
        "whop",
        WHOP_SECRET,
        WHOP,
        {
            "webhook-id": "msg_testvector0001",
            "webhook-timestamp": str(AT),
            "webhook-signature": "v1,ytDRInsD7vSmkkA7ywQquW65tJUWBKiGLs9mDA3yZ78=",
        },
    ),
    "resend": (
        "resend",
        "whsec_cmVzZW5kLXdlYmhvb2stdGVzdC1rZXktMzItYnl0ZXM=",
        RESEND,
        {
            "svix-id": "msg_2Kx9TestVector",
            "svix-timestamp": str(RESEND_AT),
            "svix-signature": "v1,NIQIhtTdeSWtb6yYa49ecQhwjejgPHtQGvBlH6y9ujI=",
        },
    ),
    "whop v5": (
        "whop",
        WHOP_SECRET,
        WHOP_V5,
        {
            "x-whop-signature": (
                f"t={AT},v1=38c4498501931876908d10ad841697abf78c8e6ab021ce0098a7b2b61eac3466"
            )
        },
    ),
}


def check(vector, *, late_s=0, body=None, secret=None, **headers):
    name, known_secret, known_body, known_headers = VECTORS[vector]
    now = datetime.fromtimestamp((RESEND_AT if name == "resend" else AT) + late_s, UTC)
    inbound(name).verify(known_headers | headers, body or known_body, secret or known_secret, now)


@pytest.mark.parametrize("vector", VECTORS)
@pytest.mark.parametrize("late_s", [-300, 0, 300])
def test_a_providers_own_vector_is_genuine_for_five_minutes(vector, late_s):
    check(vector, late_s=late_s)


@pytest.mark.parametrize("vector", VECTORS)
@pytest.mark.parametrize(
    "change",
    [
        {"late_s": 301},
        {"late_s": -301},
        {"body": b"{}"},
        {"secret": "another secret"},
    ],
)
def test_nothing_about_a_vector_may_change(vector, change):
    with pytest.raises(BadSignature):
        check(vector, **change)


@pytest.mark.parametrize(
    ("vector", "header"),
    [
        ("calendly", "calendly-webhook-signature"),
        ("stripe", "stripe-signature"),
        ("whop v5", "x-whop-signature"),
    ],
)
@pytest.mark.parametrize(
    "value",
    ["", "t=", "t=1,v1=é", "t=" + "9" * 400 + ",v1=00", "t=²,v1=00", f"t={AT},v0=00", ",,=,"],
)
def test_a_broken_header_is_a_bad_signature(vector, header, value):
    with pytest.raises(BadSignature):
        check(vector, **{header: value})


@pytest.mark.parametrize("vector", ["calendly", "stripe"])
def test_any_of_several_signatures_is_enough_while_a_secret_is_rolled(vector):
    [(header, value)] = VECTORS[vector][3].items()
    check(vector, **{header: value.replace(",v1=", ",v1=" + "0" * 64 + ",v1=")})


@pytest.mark.parametrize("given", ["v1,AAAA {}", "{} v1,AAAA", "v2,AAAA {}"])
def test_any_of_several_of_resends_signatures_is_enough(given):
    check("resend", **{"svix-signature": given.format(VECTORS["resend"][3]["svix-signature"])})


@pytest.mark.parametrize(
    "change",
    [
        {"svix-signature": ""},
        {"svix-signature": "v1,é"},
        {"svix-signature": "NIQIhtTdeSWtb6yYa49ecQhwjejgPHtQGvBlH6y9ujI="},
        {"svix-id": ""},
        {"svix-id": "msg_other"},
        {"svix-timestamp": ""},
        {"svix-timestamp": str(RESEND_AT + 1)},
        {"svix-signature": "v1a,NIQIhtTdeSWtb6yYa49ecQhwjejgPHtQGvBlH6y9ujI="},
    ],
)
def test_nothing_about_resends_headers_may_change(change):
    with pytest.raises(BadSignature):
        check("resend", **change)


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_", b""),
        ("whsec_!!!!", b""),
        ("whsec_abc", b""),
        ("x", b""),
        ("whsec_AAAA", b"\0\0\0"),
    ],
)
def test_a_mistyped_secret_of_resend_lets_nobody_in(secret, key):
    _, _, body, headers = VECTORS["resend"]
    mac = hmac.digest(key, f"{headers['svix-id']}.{RESEND_AT}.".encode() + body, "sha256")
    with pytest.raises(BadSignature):
        check("resend", secret=secret, **{"svix-signature": f"v1,{base64.b64encode(mac).decode()}"})
