"""The life of a key on the screen Integrations, on a desktop and on a phone."""

import pytest
from playwright.sync_api import expect

from core.providers.integrations import enter_key
from core.tenancy.access.models import Role
from tests import factories as make
from tests.browser.conftest import EACH_SIZE, SIZES, fits_the_width
from tests.browser.runs import settled
from tests.fakes.providers import KEYS, SETTINGS
from tests.fakes.systems import NAME
from tests.fakes.systems.whop import COMPANY

WRONG = "apik_wrong_9f8e7d6c"


def send(page, key, **company):
    """Fill in the form that is open, and send it."""
    if company:
        page.get_by_label("Company ID").locator("visible=true").fill(company["company"])
    page.get_by_label("API key").locator("visible=true").fill(key)
    page.get_by_role("button", name="Save and verify").locator("visible=true").click()


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_key_is_entered_refused_replaced_verified_and_removed(product, visit, size):
    page = visit(
        "/integrations", make.viewer(make.organization(), Role.ADMIN), viewport=SIZES[size]
    )
    expect(page.get_by_text("No keys yet")).to_be_visible()
    page.get_by_role("button", name="Add key").nth(3).click()
    send(page, WRONG, company=COMPANY)
    expect(page.get_by_text("Whop does not accept the key")).to_be_visible()
    assert fits_the_width(page)
    assert WRONG not in page.content()

    page.get_by_role("button", name="Replace").click()
    send(page, KEYS["whop"])
    expect(page.get_by_text("Verified: accepted today")).to_contain_text(f"for {NAME}")
    expect(page.get_by_text(f"key ending in {KEYS['whop'][-4:]}")).to_be_visible()
    expect(page.get_by_label("API key").locator("visible=true")).to_have_count(0)
    assert fits_the_width(page)
    assert KEYS["whop"] not in page.content()

    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("The key is deleted here.")).to_be_visible()
    page.get_by_role("button", name="Remove key").click()
    expect(page.get_by_text("No keys yet")).to_be_visible()
    settled(page)


@pytest.mark.nightly
def test_a_mistake_is_told_where_it_was_made(product, visit):
    page = visit("/integrations", make.viewer(make.organization(), Role.OWNER))
    page.get_by_role("button", name="Add key").nth(2).click()
    field = page.get_by_label("Restricted or secret key").locator("visible=true")
    field.fill("pk_live_7QxTyped")
    field.press("Enter")
    expect(page.get_by_text("This is the publishable key").locator("visible=true")).to_be_visible()
    expect(field).to_have_value("")


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_test_text_is_sent_and_what_became_of_it_is_said(product, visit, size):
    org = make.organization()
    admin = make.viewer(org, Role.ADMIN)
    with admin.transaction() as db:
        enter_key(db, "twilio", KEYS["twilio"], SETTINGS["twilio"] | {"sender": "Alder"})
    page = visit("/integrations", admin, viewport=SIZES[size])
    expect(page.get_by_text("Verified: accepted today")).to_be_visible()
    page.get_by_role("button", name="Send a test text").click()
    page.get_by_label("Phone number").fill("+45 20 12 34 56")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("accepted by Twilio")).to_be_visible()
    assert fits_the_width(page)
    settled(page)
