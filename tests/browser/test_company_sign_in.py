"""Signing in through the company's provider: it opens a session for users whom we know, and for
nobody else.
"""

from time import time

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from core.tenancy.identity.passwords import hash_password
from tests import factories as make
from tests.browser.conftest import screens
from tests.browser.provider import CLIENT, SECRET, provider
from tests.browser.runs import settled
from tests.ports import free_port, owner
from tests.tenancy.factors import PASSWORD, with_app

BUTTON = "Sign in with Example Works"


def at_night(*values):
    return pytest.param(*values, marks=pytest.mark.nightly)


@pytest.fixture(scope="module")
def company():
    with provider() as made:
        yield made


@pytest.fixture(scope="module")
def at(product, company, tmp_path_factory):
    """Screens that are configured for the company's provider."""
    port, secrets = free_port(), tmp_path_factory.mktemp("auth") / "secrets.toml"
    secrets.write_text(f"""
        [auth]
        redirect_uri = "http://localhost:{port}/oauth2callback"
        cookie_secret = "{"c00kie" * 8}"
        [auth.works]
        label = "Example Works"
        client_id = "{CLIENT}"
        client_secret = "{SECRET}"
        server_metadata_url = "{company.address}/.well-known/openid-configuration"
    """)
    with screens("--secrets.files", str(secrets), at=port) as address:
        yield address


@pytest.fixture
def person(product):
    return make.viewer(make.organization(), "viewer")


@pytest.fixture
def come_back(visit, at):
    """A function that asks for a page, goes through the provider, and returns the page that
    follows.
    """

    def through(path="/"):
        page = visit(path, at=at)
        with page.expect_navigation():
            page.get_by_role("button", name=BUTTON).click()
        settled(page)
        return page

    return through


def cookies(page):
    return {cookie["name"] for cookie in page.context.cookies()}


def test_a_verified_address_of_an_active_user_opens_a_session_of_our_own(
    company, come_back, person
):
    company.vouches_for(f" {person.email.upper()}")
    page = come_back()
    expect(page.get_by_text(person.name, exact=True)).to_be_visible()
    assert cookies(page) & {"sid", "_streamlit_user", "_streamlit_user_tokens"} == {"sid"}

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    assert "sid" not in cookies(page)


def test_whoever_asked_for_a_page_lands_on_it_with_everything_in_its_address(
    company, come_back, person
):
    company.vouches_for(person.email)
    page = come_back("/leaderboards?by=setters&metric=%C3%B8%26")
    expect(page.get_by_role("heading", name="Leaderboards")).to_be_visible()
    assert "/leaderboards" in page.url
    assert cookies(page) & {"sid", "asked_for"} == {"sid"}


@pytest.mark.nightly
def test_whoever_is_turned_down_is_still_where_they_wanted_to_go(company, come_back, person):
    company.vouches_for("nobody.at.all@example.com")
    page = come_back("/payments?view=Unattributed")
    expect(page.get_by_text("Nobody with an active account here")).to_be_visible()
    assert page.url.endswith("/payments?view=Unattributed")


@pytest.mark.parametrize(
    ("says", "answer"),
    [
        (
            {"email": "nobody.at.all@example.com"},
            "Nobody with an active account here has the address nobody.at.all@example.com",
        ),
        ({"email_verified": False}, "does not say that your e-mail address is verified"),
        at_night({"email_verified": "true"}, "does not say that your e-mail address is verified"),
        at_night({"email": None}, "does not say that your e-mail address is verified"),
    ],
)
def test_whoever_is_not_known_or_not_verified_reads_why_and_stays_outside(
    company, come_back, person, says, answer
):
    company.vouches_for(person.email, **says)
    page = come_back()
    expect(page.get_by_text(answer)).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_be_visible()
    assert "sid" not in cookies(page)


@pytest.mark.nightly
def test_whoever_has_been_deactivated_stays_outside(company, come_back, person):
    with owner() as db:
        db.execute(
            text("update app.users set active = false where id = :id"), {"id": person.user_id}
        )
    company.vouches_for(person.email)
    page = come_back()
    expect(page.get_by_text("Nobody with an active account here")).to_be_visible()
    assert "sid" not in cookies(page)


@pytest.mark.parametrize(
    "says",
    [
        {"forged": True},
        at_night({"aud": "another-client"}),
        at_night({"iss": "https://idp.example.net"}),
        {"nonce": "another"},
        at_night({"exp": 1_700_000_000}),
    ],
)
def test_an_answer_that_is_not_the_providers_to_us_now_is_not_believed(
    company, come_back, person, says
):
    company.vouches_for(person.email, **says)
    page = come_back()
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    assert cookies(page) & {"sid", "_streamlit_user"} == set()


@pytest.mark.nightly
def test_an_answer_of_an_hour_ago_opens_nothing(company, come_back, person):
    company.vouches_for(person.email, iat=int(time()) - 3600)
    page = come_back()
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    assert "sid" not in cookies(page)


def test_whoever_has_a_second_factor_here_is_asked_for_its_code_all_the_same(company, come_back):
    person = make.viewer(make.organization(), "viewer", password_hash=hash_password(PASSWORD))
    app = with_app(person)
    company.vouches_for(person.email)
    page = come_back()
    expect(page.get_by_text("One more step")).to_be_visible()
    assert "sid" not in cookies(page)
    page.get_by_label("Code", exact=True).fill(app.code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text(person.name, exact=True)).to_be_visible()


def test_without_a_provider_no_button_is_offered(visit):
    page = visit("/")
    expect(page.get_by_label("E-mail address")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with")).to_have_count(0)
