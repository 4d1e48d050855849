"""What admins do with their organisation: settings, the data of a person; on a phone too."""

import json
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from core.platform.database import as_system
from core.tenancy.access.models import Role
from tests import factories as make
from tests.browser.conftest import EACH_SIZE, SIZES, fits_the_width
from tests.browser.runs import move, settled


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_person_is_found_downloaded_and_erased(product, visit, size):
    admin = make.viewer(make.organization(), Role.ADMIN)
    email = f"petronella.{uuid4().hex[:6]}@example.com"
    with as_system(admin.organization_id) as db:
        make.event(db, admin.organization_id, email=email, lead_name="Petronella Quist")
    page = visit("/privacy", admin, viewport=SIZES[size])
    page.get_by_label("E-mail address of the person").fill(email)
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("Names: Petronella Quist")).to_be_visible()
    assert fits_the_width(page)

    with page.expect_download() as download:
        page.get_by_role("button", name="Download this person's data").click()
    with open(download.value.path()) as file:
        assert json.load(file)["person"] == {
            "addresses": [email],
            "names": ["Petronella Quist"],
            "phones": [],
        }

    page.get_by_text("Erase this person").click()
    page.get_by_label("Type").fill(email)
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(page.get_by_text("This address is erased.")).to_be_visible()
    settled(page)
    expect(page.get_by_text("Petronella Quist")).to_have_count(0)


@pytest.fixture(scope="module")
def phone(ours, windows):
    return windows("/account", ours.admin, viewport=SIZES["phone"])


@pytest.mark.parametrize(
    ("screen", "title"),
    [
        ("settings", "General"),
        ("lists", "Lists"),
        ("go-live", "Go-live"),
        ("view-as", "View as"),
    ],
)
def test_screens_of_admins_fit_a_phone(phone, screen, title):
    move(phone, f"/{screen}")
    expect(phone.get_by_role("heading", level=1)).to_have_text(title)
    assert fits_the_width(phone)


def test_a_setting_is_changed_beside_its_warning(product, visit):
    page = visit("/settings", make.viewer(make.organization(), Role.OWNER))
    page.get_by_role("button", name="Change").nth(3).click()
    expect(page.get_by_text("Days, weeks and months are recalculated")).to_be_visible()
    page.get_by_role("textbox", name="Time zone").fill("Asia/Kathmandu")
    page.get_by_role("button", name="Save").locator("visible=true").click()
    expect(page.get_by_text("Times in Asia/Kathmandu")).to_be_visible()
