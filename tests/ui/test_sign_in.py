"""How often a password may be tried, and the properties of the cookie."""

import pytest

from core.platform.errors import NotAllowed, TooManyRequests
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.sign_in import TRIES_PER_ACCOUNT_AND_ADDRESS, issue_ticket, sign_in
from tests import factories as make
from tests.ui.screens import SHELL, browser_of, window
from tests.ui.server import ask

PASSWORD = "amber-birch-cobalt-1234"


@pytest.fixture(scope="module")
def password_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def person(password_hash):
    return make.viewer(make.organization(), password_hash=password_hash)


def test_five_wrong_passwords_are_enough_from_one_address_and_no_hindrance_from_another(person):
    for _ in range(5):
        with pytest.raises(NotAllowed):
            sign_in(person.email, "not the password", address="192.0.2.1")

    with pytest.raises(TooManyRequests) as refusal:
        sign_in(person.email, PASSWORD, address="192.0.2.1")
    assert 0 < refusal.value.retry_after_s <= 15 * 60
    assert sign_in(person.email, PASSWORD, address="192.0.2.2") == person.user_id


def test_a_right_password_is_not_counted_as_a_try(person):
    for _ in range(TRIES_PER_ACCOUNT_AND_ADDRESS + 1):
        assert sign_in(f" {person.email.upper()} ", PASSWORD, address="192.0.2.3") == person.user_id


@pytest.mark.parametrize(
    ("public", "seen", "secure"),
    [
        ("https://sales.example.com", "http", True),
        ("http://localhost:8501", "https", True),
        ("http://localhost:8501", "http", False),
    ],
)
def test_the_cookie_is_for_https_alone_where_the_product_is_reached_by_it(
    person, reached_at, public, seen, secure
):
    reached_at(public)

    cookie = ask(
        "GET", f"/auth/ticket?t={issue_ticket(person.user_id)}&next=/events", at=f"{seen}://screens"
    ).headers["set-cookie"]

    assert [part for part in cookie.split("; ")[1:] if part != "Secure"] == [
        "HttpOnly",
        "Max-Age=604800",
        "Path=/",
        "SameSite=lax",
    ]
    assert ("Secure" in cookie.split("; ")) == secure


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/events?period=Today", "/events?period=Today"),
        ("https://shop.example.net", "/"),
        ("//shop.example.net", "/"),
        ("/\\shop.example.net", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
    ],
)
def test_the_way_back_after_the_sign_in_never_leads_to_another_site(person, wanted, goes_to):
    answer = ask("GET", "/auth/ticket", params={"t": issue_ticket(person.user_id), "next": wanted})

    assert (answer.status_code, answer.headers["location"], answer.headers["cache-control"]) == (
        303,
        goes_to,
        "no-store",
    )


def test_a_ticket_opens_one_session_only(person):
    ticket = issue_ticket(person.user_id)

    assert [
        "set-cookie" in ask("GET", "/auth/ticket", params={"t": ticket}).headers for _ in range(2)
    ] == [True, False]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_ticket_in_a_link_from_elsewhere_signs_nobody_in(person, site):
    answer = ask(
        "GET",
        "/auth/ticket",
        params={"t": issue_ticket(person.user_id)},
        headers={"sec-fetch-site": site},
    )

    assert "set-cookie" not in answer.headers


def test_the_sign_in_draws_no_frame(database_url):
    with browser_of(None):
        page = window(SHELL).run()
    assert any(each.label == "Password" for each in page.text_input)
    assert page.get("component_instance") == []
