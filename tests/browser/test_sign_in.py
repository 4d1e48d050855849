"""Who gets in, how long, and what a visitor without a session sees."""
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, screens


def sign_in(page, email, password=PASSWORD):
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_first_visit_to_a_fresh_server_at_an_admin_page_is_the_sign_in_and_then_that_page(ours, visit):
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
    page = visit("/")
    for _ in range(5):
        sign_in(page, ours.people["viewer"].email, "not the password")
        expect(page.get_by_text("The e-mail address or the password is not right.")).to_be_visible()
        page.reload()

    sign_in(page, ours.people["viewer"].email)

    expect(page.get_by_text("Too many tries. Wait a little, then try again. It works again in")).to_be_visible()
