"""Access links in a browser without a session: a form filed on a phone, and an address that does
not give away its token.
"""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from core.bookings.models import Event
from core.platform.clock import now
from core.platform.database import as_system
from tests import factories as make
from tests.browser.conftest import PHONE, fits_the_width
from tests.browser.runs import settled
from tests.ui.teams import team

MEETING = "https://meet.example.com/room"


@pytest.fixture
def crew(product):
    return team("Yarrow")


def test_a_closer_files_a_form_through_their_link_on_a_phone_and_the_manager_sees_it(crew, visit):
    manager = visit("/dashboard", crew.people["manager"])
    expect(manager.get_by_text("1 of 2 bookings due are confirmed")).to_be_visible()

    phone = visit(f"/portal?token={crew.tokens['portal']}", **PHONE)
    expect(phone.get_by_text("Yarrow lead")).to_be_visible()
    assert fits_the_width(phone)
    phone.get_by_role("button", name="File form").click()
    for question in (
        "Did the meeting take place?",
        "Did the lead show up?",
        "Did you make an offer?",
        "Did it close?",
    ):
        phone.get_by_role("radiogroup", name=question).get_by_text("Yes").click()
        settled(phone)
        assert fits_the_width(phone)
    phone.get_by_role("button", name="File form").click()

    expect(phone.get_by_text("Form filed.")).to_be_visible()
    expect(phone.get_by_role("button", name="File form")).to_have_count(0)
    manager.reload()
    expect(manager.get_by_text("2 of 2 bookings due are confirmed")).to_be_visible()
    assert "sid" not in {cookie["name"] for cookie in phone.context.cookies()}


def test_a_form_that_was_begun_comes_back_to_the_queue_and_survives_a_reload_of_its_address(
    crew, visit
):
    page = visit(f"/portal?token={crew.tokens['portal']}")
    page.get_by_role("button", name="File form").click()
    expect(page.get_by_text("Did the meeting take place?")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Did the meeting take place?")).to_be_visible()

    page.get_by_role("button", name="← All bookings").click()

    expect(page.get_by_text("File these forms")).to_be_visible()


def test_whoever_is_called_from_a_portal_does_not_learn_its_token(crew, visit):
    org = crew.admin.organization_id
    with as_system(org) as db:
        closer_id = db.get_one(Event, (org, crew.ids["event"])).closer_id
        make.event(
            db,
            org,
            None,
            closer_id=closer_id,
            at=now() + timedelta(seconds=1),
            lead_name="Yarrow second",
            meeting_url=MEETING,
        )
    page = visit(f"/portal?token={crew.tokens['portal']}")
    asked = []
    page.context.route(
        f"{MEETING}**",
        lambda route: (asked.append(route.request.all_headers()), route.fulfill(body="here")),
    )

    with page.context.expect_page() as other:
        page.get_by_role("link", name="Join").click()
    other.value.wait_for_load_state()

    assert [headers.get("referer") for headers in asked] == [None]
    assert other.value.evaluate("document.referrer") == ""


@pytest.mark.nightly
def test_a_revoked_link_ends_while_its_page_is_open(crew, visit):
    page = visit(f"/portal?token={crew.tokens['portal']}")
    admin = visit("/links", crew.admin)
    admin.get_by_role("combobox", name="Revoke a link").click()
    admin.get_by_role("option", name="Yarrow portal").click()
    admin.get_by_role("button", name="Revoke").click()
    expect(admin.get_by_text("Link revoked.")).to_be_visible()

    page.get_by_role("button", name="File form").click()

    expect(page.get_by_text("This link does not work.")).to_be_visible()
    expect(page.get_by_text("Yarrow lead")).to_have_count(0)
