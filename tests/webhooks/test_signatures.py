"""The providers' own test vectors are accepted, and everything is refused that must not pass for
them.
"""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from core.providers.payloads import signed
from core.providers.registry import inbound, with_inbound
from core.providers.signatures import BadSignature
from tests.fakes.systems import vectors

VECTORS = vectors()
TIMED = [name for name, (_, vector) in VECTORS.items() if vector.at is not None]
TIMED_HEX = {
    name: next(iter(vector.headers))
    for name, (_, vector) in VECTORS.items()
    if len(vector.headers) == 1 and name in TIMED
}
RESEND = VECTORS["resend"][1]


def check(vector, *, late_s=0, body=None, secret=None, **headers):
    name, known = VECTORS[vector]
    now = moment_of(known) + timedelta(seconds=late_s)
    inbound(name).verify(known.headers | headers, body or known.body, secret or known.secret, now)


def moment_of(vector):
    return datetime.now(UTC) if vector.at is None else datetime.fromtimestamp(vector.at, UTC)


@pytest.mark.parametrize("provider", with_inbound())
def test_every_provider_has_a_vector_of_its_own(provider):
    assert provider in {name for name, _ in VECTORS.values()}


@pytest.mark.parametrize("provider", with_inbound())
def test_what_a_provider_signs_here_is_as_genuine_as_its_vector(provider):
    vector = next(vector for name, vector in VECTORS.values() if name == provider)
    at = moment_of(vector)
    body, headers = signed(provider, {"id": "msg_1", "type": "test"}, vector.secret, at=at)
    headers = {name.lower(): value for name, value in headers.items()}
    inbound(provider).verify(headers, body, vector.secret, at)
    with pytest.raises(BadSignature):
        inbound(provider).verify(headers, body + b" ", vector.secret, at)
    with pytest.raises(BadSignature):
        inbound(provider).verify({}, body, vector.secret, at)


@pytest.mark.parametrize("vector", VECTORS)
def test_a_providers_own_vector_is_genuine(vector):
    check(vector)


@pytest.mark.parametrize("vector", TIMED)
@pytest.mark.parametrize("late_s", [-300, 300])
def test_a_providers_own_vector_is_genuine_for_five_minutes(vector, late_s):
    check(vector, late_s=late_s)


@pytest.mark.parametrize("vector", TIMED)
@pytest.mark.parametrize("late_s", [-301, 301])
def test_a_signature_of_another_time_is_refused(vector, late_s):
    with pytest.raises(BadSignature):
        check(vector, late_s=late_s)


@pytest.mark.parametrize("vector", VECTORS)
@pytest.mark.parametrize("change", [{"body": b"{}"}, {"secret": "another secret"}])
def test_nothing_about_a_vector_may_change(vector, change):
    with pytest.raises(BadSignature):
        check(vector, **change)


@pytest.mark.parametrize(("vector", "header"), TIMED_HEX.items())
@pytest.mark.parametrize(
    "value",
    ["", "t=", "t=1,v1=é", "t=" + "9" * 400 + ",v1=00", "t=²,v1=00", "t=1793631845,v0=00", ",,=,"],
)
def test_a_broken_header_is_a_bad_signature(vector, header, value):
    with pytest.raises(BadSignature):
        check(vector, **{header: value})


@pytest.mark.parametrize("vector", TIMED_HEX)
def test_any_of_several_signatures_is_enough_while_a_secret_is_rolled(vector):
    [(header, value)] = VECTORS[vector][1].headers.items()
    check(vector, **{header: value.replace(",v1=", ",v1=" + "0" * 64 + ",v1=")})


@pytest.mark.parametrize("given", ["v1,AAAA {}", "{} v1,AAAA", "v2,AAAA {}"])
def test_any_of_several_of_resends_signatures_is_enough(given):
    check("resend", **{"svix-signature": given.format(RESEND.headers["svix-signature"])})


@pytest.mark.parametrize(
    "change",
    [
        {"svix-signature": ""},
        {"svix-signature": "v1,é"},
        {"svix-signature": "NIQIhtTdeSWtb6yYa49ecQhwjejgPHtQGvBlH6y9ujI="},
        {"svix-id": ""},
        {"svix-id": "msg_other"},
        {"svix-timestamp": ""},
        {"svix-timestamp": str(RESEND.at + 1)},
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
    signed_text = f"{RESEND.headers['svix-id']}.{RESEND.at}.".encode() + RESEND.body
    mac = hmac.digest(key, signed_text, "sha256")
    with pytest.raises(BadSignature):
        check("resend", secret=secret, **{"svix-signature": f"v1,{base64.b64encode(mac).decode()}"})
