"""Access, how long, and what a visitor without a session sees."""

import base64
from time import time

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from core.tenancy.identity.account import change_password, end_sign_ins
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.totp import STEP_S, totp
from tests import factories as make
from tests.browser.conftest import PASSWORD, screens, sign_in
from tests.browser.runs import settled
from tests.by_day import first
from tests.flow import sender
from tests.ports import early_in_a_window, owner
from tests.ui.screens import token_of


def test_the_first_visit_to_a_fresh_server_at_an_admin_page_is_the_sign_in_and_then_that_page(
    ours, visit
):
    path = f"/connections?id={ours.ids['connections']}"
    with screens() as fresh:
        page = visit(path, at=fresh)
        expect(page.get_by_label("E-mail address")).to_be_visible()
        expect(page.locator("body")).not_to_contain_text("Cedar")
        expect(page.locator('[data-testid="stSidebarNav"]')).to_have_count(0)

        sign_in(page, ours.admin.email)

        expect(page.get_by_role("heading", name="Cedar calendar · Calendly")).to_be_visible()
        assert page.url == f"{fresh}{path}"


def test_signing_out_makes_a_copy_of_the_cookie_useless(ours, visit):
    page = visit("/payments")
    sign_in(page, ours.admin.email)
    expect(page.get_by_role("heading", name="Payments")).to_be_visible()
    (cookie,) = [cookie for cookie in page.context.cookies() if cookie["name"] == "sid"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("E-mail address")).to_be_visible()

    thief = visit("/")
    thief.context.add_cookies([cookie])
    thief.goto(f"{page.url}payments")
    expect(thief.get_by_label("E-mail address")).to_be_visible()
    expect(thief.locator("body")).not_to_contain_text("Cedar")


def test_after_five_wrong_passwords_the_form_says_when_it_works_again(ours, visit):
    early_in_a_window()
    page = visit("/")
    for _ in range(5):
        sign_in(page, ours.people["viewer"].email, "not the password")
        settled(page)
        expect(page.get_by_text("The e-mail address or the password is not right.")).to_be_visible()

    sign_in(page, ours.people["viewer"].email)

    expect(
        page.get_by_text("Too many tries. Wait a little, then try again. It works again in")
    ).to_be_visible()


def changes_the_password(person):
    with person.transaction() as db:
        change_password(
            db,
            token_of(person),
            current=PASSWORD,
            new="a heron waits in the reeds",
            address="192.0.2.1",
        )


def signs_out_everywhere(person):
    with person.transaction() as db:
        end_sign_ins(db, token_of(person), also_this=False)


def is_deactivated(person):
    with owner() as db:
        db.execute(
            text("update app.users set active = false where id = :id"), {"id": person.user_id}
        )


def is_no_member_any_more(person):
    with owner() as db:
        db.execute(
            text("update app.organization_members set active = false where user_id = :id"),
            {"id": person.user_id},
        )


def has_done_nothing_for_half_a_day(person):
    with owner() as db:
        gone_by = text(
            "update app.sign_in_sessions set last_seen_at = now() - interval '12 hours' where"
            " user_id = :id"
        )
        db.execute(gone_by, {"id": person.user_id})


def signed_in_a_week_ago(person):
    with owner() as db:
        db.execute(
            text("update app.sign_in_sessions set expires_at = now() where user_id = :id"),
            {"id": person.user_id},
        )


ENDINGS = [
    changes_the_password,
    signs_out_everywhere,
    is_deactivated,
    is_no_member_any_more,
    has_done_nothing_for_half_a_day,
    signed_in_a_week_ago,
]


BY_DAY = {changes_the_password, is_deactivated}


@pytest.fixture(scope="module")
def left_open(windows, request):
    """By what happened elsewhere, a page that was open then. The page looks every few seconds
    whether its person is signed in: the windows of all that is tried wait for that together.
    """
    org, tests = make.organization(), request.session.items
    tried = [each for each in ENDINGS if any(each.__name__ in test.name for test in tests)]
    address = f"/connections?id={sender(org, 'stripe').connection_id}"
    people = {each: make.viewer(org, password_hash=hash_password(PASSWORD)) for each in tried}
    pages = {each: windows(address, person) for each, person in people.items()}
    for each, page in pages.items():
        expect(page.get_by_text("Nothing has arrived yet. 0 deliveries so far.")).to_be_visible()
        each(people[each])
    return pages


@pytest.mark.parametrize("elsewhere", first(ENDINGS, BY_DAY))
def test_a_page_left_open_ends_by_itself_when_its_person(elsewhere, left_open):
    page = left_open[elsewhere]
    # each of the page's live parts says so, within seconds of the other
    said = page.get_by_text("You are signed out. Reload the page to sign in.")
    expect(said.first).to_be_visible()
    expect(page.get_by_text("Nothing has arrived yet. 0 deliveries so far.")).to_have_count(0)
    page.get_by_role("button", name="Send test delivery").click()
    expect(page.get_by_label("E-mail address")).to_be_visible()
    expect(page.get_by_role("heading", name="Connections")).to_have_count(0)


def test_one_signs_a_lost_browser_out_and_changes_the_password_on_the_account_screen(visit):
    person = make.viewer(make.organization(), "viewer", password_hash=hash_password(PASSWORD))
    lost, page = visit("/dashboard", person), visit("/account", person)
    page.get_by_role("button", name="Sign out", exact=True).nth(1).click()
    expect(page.get_by_text("Browser signed out.")).to_be_visible()
    lost.reload()
    expect(lost.get_by_label("E-mail address")).to_be_visible()

    page.get_by_text("Change password").first.click()
    for label, value in (
        ("Current password", PASSWORD),
        ("New password", "reeds and herons"),
        ("New password again", "reeds and herons"),
    ):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Password changed.")).to_be_visible()

    sign_in(lost, person.email, "reeds and herons")
    expect(lost.get_by_role("heading", name="Dashboard")).to_be_visible()


def test_a_second_factor_is_set_up_from_the_picture_and_then_asked_for(visit):
    person = make.viewer(make.organization(), "viewer", password_hash=hash_password(PASSWORD))
    page = visit("/account", person)
    page.get_by_text("Set up the second factor").click()
    page.get_by_label("Your password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    picture = page.get_by_test_id("stImage").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100
    secret = base64.b32decode(page.get_by_test_id("stCode").first.inner_text().replace(" ", ""))
    page.get_by_label("Code", exact=True).fill(totp(secret, int(time()) // STEP_S))
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("Store these ten recovery codes")).to_be_visible()
    recovery = page.get_by_test_id("stCode").first.inner_text().splitlines()[0]

    other = visit("/leaderboards")
    sign_in(other, person.email)
    expect(other.get_by_text("One more step")).to_be_visible()
    assert [cookie for cookie in other.context.cookies() if cookie["name"] == "sid"] == []
    other.get_by_label("Code", exact=True).fill(recovery)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Leaderboards")).to_be_visible()
