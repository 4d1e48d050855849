"""Which pages of other origins may call the API from a browser, over real HTTP."""

from uuid import UUID

import httpx
import pytest

from core.platform.database import as_system
from core.platform.errors import InvalidInput
from core.tenancy.access.settings import API, origin_of_pages
from core.tenancy.identity.passwords import hash_password
from core.tenancy.organizations.settings import change_settings
from tests import factories as make
from tests.api.client import key_of, token_of
from tests.flow import sender
from tests.webhooks.receiver import receiver

PAGE, OTHER = "https://app.example.com", "https://other.example.com"
ASKS = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(scope="module")
def address(database_url):
    with receiver() as url:
        yield url


def listing(*origins):
    org = make.organization()
    admin = make.viewer(org)
    with admin.transaction() as db:
        change_settings(db, API, {"api_origins": "\n".join(origins)})
    return admin


def cors(answer):
    found = {name for name in answer.headers if name.startswith("access-control-")}
    return {name.removeprefix("access-control-"): answer.headers[name] for name in found}


def ask(address, path, origin, method="GET", token=None, **headers):
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx.request(method, address + path, headers=headers | {"Origin": origin})


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/events", "GET"),
        ("/api/payout-snapshots/", "POST"),
        (f"/api/events/{UUID(int=1)}/pcf", "POST"),
        ("/api/auth/login", "POST"),
    ],
)
def test_a_preflight_is_granted_to_listed_origins_and_to_no_other(address, path, methods):
    listing(PAGE)
    answer = ask(address, path, PAGE, "OPTIONS", **ASKS)
    assert answer.status_code == 204
    assert cors(answer) == {
        "allow-origin": PAGE,
        "allow-methods": methods,
        "allow-headers": "Authorization, Content-Type",
        "max-age": "600",
    }
    assert answer.headers["vary"] == "Origin"
    for stranger in ("https://evil.example", "null", f"{PAGE}.evil.example", PAGE.upper(), "*"):
        refused = ask(address, path, stranger, "OPTIONS", **ASKS)
        assert (refused.status_code, cors(refused)) == (403, {})


def test_nobody_is_listed_by_default_nor_of_an_offboarded_organisation(address):
    gone = "https://gone.example.com"
    with as_system(make.organization(status="offboarded", api_origins=[gone])):
        answer = ask(address, "/api/events", gone, "OPTIONS", **ASKS)
    assert answer.status_code == 403


def test_what_is_no_preflight_is_answered_as_before(address):
    assert httpx.options(f"{address}/api/events").status_code == 405
    assert httpx.get(f"{address}/api/nothing", headers={"Origin": PAGE}).status_code == 404


def test_webhooks_and_monitoring_answer_no_preflight(address):
    listing(PAGE)
    to = sender(make.organization(), "stripe")
    for path in (to.path, "/healthz", "/metrics", "/api/openapi.json"):
        answer = ask(address, path, PAGE, "OPTIONS", **ASKS)
        assert (answer.status_code, cors(answer)) == (405, {})


@pytest.mark.parametrize("made", [token_of, lambda admin: key_of(admin.organization_id, "read")])
def test_a_request_is_checked_against_the_organisation_of_its_token(address, made):
    ours, theirs = listing(PAGE), listing(OTHER)
    answer = ask(address, "/api/events", PAGE, token=made(ours))
    assert answer.status_code == 200
    assert cors(answer)["allow-origin"] == PAGE
    assert "allow-credentials" not in cors(answer)
    refused = ask(address, "/api/events", PAGE, token=made(theirs))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert cors(refused) == {}
    assert ask(address, "/api/events", PAGE, token="x").status_code == 401


def test_an_unlisted_page_changes_nothing(address):
    admin = listing(OTHER)
    body = {"name": "N", "period_start": "2026-10-01", "period_end": "2026-11-01"}
    headers = {"Authorization": f"Bearer {token_of(admin)}", "Origin": PAGE}
    path = f"{address}/api/payout-snapshots"
    assert httpx.post(path, json=body, headers=headers).status_code == 403
    made = httpx.post(path, json=body, headers=headers | {"Origin": OTHER})
    assert made.status_code == 201
    assert cors(made)["allow-origin"] == OTHER


def test_a_page_signs_somebody_in_to_an_organisation_that_lists_it(address):
    password = "four quiet walnut trees"
    for origin, status in ((PAGE, 200), (OTHER, 403)):
        admin = make.viewer(
            listing(PAGE).organization_id, "admin", password_hash=hash_password(password)
        )
        body = {"email": admin.email, "password": password}
        answer = httpx.post(f"{address}/api/auth/login", json=body, headers={"Origin": origin})
        assert answer.status_code == status
        assert cors(answer).get("allow-origin") == (origin if status == 200 else None)


def test_a_program_without_an_origin_needs_no_listing(address):
    key = key_of(make.organization(), "read")
    answer = httpx.get(f"{address}/api/events", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, cors(answer)) == (200, {})


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (" https://App.Example.com/ ", PAGE),
        ("https://app.example.com:443", PAGE),
        ("https://app.example.com:8443", f"{PAGE}:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
    ],
)
def test_an_origin_is_stored_as_browsers_send_it(written, stored):
    assert origin_of_pages(written) == stored


@pytest.mark.parametrize(
    "written",
    [
        *("*", "null", "app.example.com", "http://app.example.com", "https://", "https://*.a.com"),
        *(f"{PAGE}/path", f"{PAGE}?q", f"{PAGE}#x", "https://a@app.example.com", "https://[", "x"),
        *("https://app.example.com:x", "https://a_b.com", "https://ä.com", "javascript:alert(1)"),
    ],
)
def test_what_is_no_origin_is_refused_in_a_sentence(written):
    with pytest.raises(InvalidInput, match="is not an origin; write one like"):
        origin_of_pages(written)
