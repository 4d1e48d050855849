"""A table in a real browser: sorted, opened, turned and narrowed by mouse, keyboard and touch."""

import csv
import re
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from core.platform.clock import now
from core.platform.database import as_system
from tests import factories as make
from tests.browser.conftest import PHONE, complaint_of, fits_the_width
from tests.browser.runs import move, settled
from tests.ui.teams import Team, team

ROWS = 51
FOUND = "/events?period=Last+30+days&search=Row"  # one more than a page has


@pytest.fixture(scope="module")
def crew(product) -> Team:
    """A team with many bookings besides its own two: "Row 00" is the latest of them."""
    made = team("Larch")
    org = made.admin.organization_id
    with as_system(org) as db:
        for number in range(ROWS):
            name = f"Row {number:02}"
            make.event(db, org, lead_name=name, at=now() - timedelta(hours=number + 1))
    return made


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    """What the browser's console said of the windows of this module."""
    return []


def window(windows, product, crew, complaints, **options) -> Page:
    page = windows("", crew.admin, **options)
    page.on("console", lambda line: complaints.extend(complaint_of(line)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{product.screens}{FOUND}")
    settled(page)
    return page


@pytest.fixture(scope="module")
def the_desk(windows, product, crew, complaints) -> Page:
    return window(windows, product, crew, complaints)


@pytest.fixture
def desk(the_desk) -> Page:
    """The one window of a desk, at the bookings."""
    move(the_desk, FOUND)
    expect(rows(the_desk)).to_have_count(50)
    return the_desk


@pytest.fixture(autouse=True)
def _without_a_complaint(complaints):
    yield
    assert complaints == []


def rows(page: Page) -> Locator:
    return page.get_by_role("table").locator("tbody tr")


def shows_booking(page: Page, name: str) -> None:
    expect(page).to_have_url(re.compile(r"/event\?.*id="))
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def take_csv(page: Page) -> None:
    """Chosen in the menu of downloads, which closes when the table is drawn anew."""
    button = page.get_by_role("button", name="CSV", exact=True)
    if not button.is_visible():
        page.get_by_role("button", name="Download").click()
    button.click()


def heading(page: Page, label: str) -> Locator:
    return page.get_by_role("columnheader").filter(has_text=label)


def test_a_heading_sorts_all_rows_by_keyboard_and_a_reload_leaves_them_so(desk):
    button = heading(desk, "Lead").get_by_role("button")
    expect(rows(desk).first).to_contain_text("Row 00")

    button.focus()
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(re.compile(r"bookings\.sort=lead_name"))
    expect(heading(desk, "Lead")).to_have_attribute("aria-sort", "ascending")
    expect(button).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(re.compile(r"bookings\.sort=-lead_name"))
    expect(rows(desk).first).to_contain_text(f"Row {ROWS - 1}")

    desk.reload()
    expect(heading(desk, "Lead")).to_have_attribute("aria-sort", "descending")
    expect(rows(desk).first).to_contain_text(f"Row {ROWS - 1}")


def test_a_click_anywhere_in_a_row_opens_it(desk):
    rows(desk).nth(1).locator("td").last.click()
    shows_booking(desk, "Row 01")


def test_arrows_move_from_row_to_row_and_enter_opens(desk):
    rows(desk).first.get_by_role("link").focus()
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("ArrowUp")
    expect(rows(desk).nth(1).get_by_role("link")).to_be_focused()

    desk.keyboard.press("Enter")
    shows_booking(desk, "Row 01")


def test_a_click_with_ctrl_opens_a_row_in_another_window(desk):
    with desk.context.expect_page() as other:
        rows(desk).nth(2).locator("td").nth(3).click(modifiers=["Control"])
    expect(other.value).to_have_url(re.compile(r"/event\?.*id="))
    other.value.close()
    expect(desk).to_have_url(re.compile("/events"))


def test_columns_are_taken_out_moved_and_brought_back(desk):
    labels = desk.get_by_role("columnheader").all_inner_texts()
    desk.get_by_text("Columns", exact=True).click()
    source = desk.get_by_role("checkbox", name="Source")
    source.click()
    expect(heading(desk, "Source")).to_have_count(0)
    expect(source).to_be_visible()
    expect(source).to_be_focused()
    expect(desk).to_have_url(re.compile(r"bookings\.columns="))

    source.click()
    expect(desk.get_by_role("columnheader").last).to_have_text("Source")
    desk.get_by_role("button", name="Move Source to the left").click()
    expect(desk.get_by_role("columnheader").nth(-2)).to_have_text("Source")
    desk.get_by_role("button", name="Default columns").click()
    expect(desk.get_by_role("columnheader")).to_have_text(labels)
    expect(desk).not_to_have_url(re.compile(r"bookings\.columns="))


def test_pages_are_turned_and_a_download_has_them_all(desk):
    button = {name: desk.get_by_role("button", name=name) for name in ("Previous", "Next")}
    expect(desk.get_by_text("1–50 of 51")).to_be_visible()
    expect(button["Previous"]).to_be_disabled()
    button["Next"].click()
    expect(rows(desk)).to_have_count(1)
    expect(desk.get_by_text("51–51 of 51")).to_be_visible()
    expect(button["Next"]).to_be_disabled()
    with desk.expect_download() as download:
        take_csv(desk)
    names = [
        line["Lead"] for line in csv.DictReader(download.value.path().open(encoding="utf-8-sig"))
    ]
    assert names == [f"Row {number:02}" for number in range(ROWS)]

    button["Previous"].click()
    expect(rows(desk)).to_have_count(50)
    move(desk, f"{FOUND}&bookings.sort=-lead_name&bookings.columns=source,lead_name")
    expect(rows(desk).first).to_have_text(f"–Row {ROWS - 1}")
    with desk.expect_download() as download:
        take_csv(desk)
    lines = list(csv.DictReader(download.value.path().open(encoding="utf-8-sig")))
    assert [line["Lead"] for line in lines] == names[::-1]
    assert {"E-mail", "Booked", "Status", "ID"} <= set(lines[0])


def test_a_line_of_the_audit_log_is_read_whole_below_it(desk):
    move(desk, "/audit?table=Payments")
    expect(rows(desk)).to_have_count(1)
    rows(desk).first.locator("td").nth(2).click()
    expect(desk.get_by_role("heading", name="What changed")).to_be_visible()
    expect(desk.get_by_text("Amount: 4997.0", exact=True)).to_be_visible()


def test_on_a_phone_rows_are_cards_that_a_touch_opens(windows, product, crew, complaints):
    phone = window(windows, product, crew, complaints, **PHONE)
    card = rows(phone).nth(1)
    expect(card.locator("td:visible")).to_have_count(3)
    expect(card.locator(".headline")).to_have_text("Row 01")
    assert fits_the_width(phone)
    first, second = (rows(phone).nth(place).bounding_box() for place in (0, 1))
    assert first["y"] + first["height"] <= second["y"]

    phone.get_by_label("Sort by").select_option("-lead_name")
    expect(rows(phone).first.locator(".headline")).to_have_text(f"Row {ROWS - 1}")
    phone.get_by_label("Sort by").select_option("lead_name")
    expect(rows(phone).first.locator(".headline")).to_have_text("Row 00")
    phone.get_by_text("Columns", exact=True).tap()
    expect(phone.get_by_role("checkbox", name="Source")).to_be_visible()
    assert fits_the_width(phone)
    phone.get_by_role("button", name="Next").tap()
    expect(rows(phone)).to_have_count(1)
    rows(phone).first.locator("td:visible").last.tap()
    shows_booking(phone, f"Row {ROWS - 1}")


def test_columns_stay_ones_own_a_view_is_saved_and_several_payments_are_marked(
    windows, product, crew
):
    page = windows("", crew.admin)
    with as_system(crew.admin.organization_id) as db:
        for number in range(12):
            make.source(db, crew.admin.organization_id, f"Campaign {number:02}")
        for number in range(2):
            make.payment(db, crew.admin.organization_id, "10", customer_name=f"Nobody {number}")
    page.goto(f"{product.screens}/payments?view=Unattributed&payments.sort=customer_name")
    settled(page)
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Source").click()
    expect(heading(page, "Source")).to_have_count(0)
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Save this view as").fill("Open money")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("button", name="View: Open money")).to_be_visible()
    expect(page).to_have_url(re.compile("view=Unattributed"))

    page.goto(f"{product.screens}/payments?view=Unattributed")
    settled(page)
    expect(heading(page, "Source")).to_have_count(0)
    page.get_by_role("checkbox", name="Select Nobody 0").check()
    page.get_by_role("checkbox", name="Select Nobody 1").check()
    page.get_by_label("Why?").fill("Sold by e-mail")
    page.get_by_role("button", name="Mark 2 payments as belonging to no booking").click()
    expect(page.get_by_text("2 payments marked as belonging to no booking.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Select Nobody 0")).to_have_count(0)

    page.goto(f"{product.screens}/lists?list=Sources")
    settled(page)
    page.get_by_label("Search this table").fill("campaign 03")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Search this table")).to_be_focused()
    expect(page).to_have_url(re.compile("search=campaign"))
