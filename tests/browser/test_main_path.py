"""The main tasks of each person, from the first click to what somebody else sees afterwards."""

import csv
import re
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from core.deliveries.models import DeliveryStatus, WebhookDelivery
from core.platform.clock import now
from core.platform.database import as_system
from core.providers.payloads import signed
from core.tenancy.identity.sign_in import close_session
from core.ui.server.middleware import COOKIE
from tests.browser.conftest import PHONE, fits_the_width
from tests.browser.runs import settled
from tests.flow import SECRET, sender
from tests.payloads import SampleBooking, calendly_created, stripe_charge, stripe_event
from tests.ports import post, until
from tests.ui.teams import team

number = count(1)
FOLLOWS_MS = 4_000  # the product promises two seconds, on a machine that does nothing else
QUIET_MS = 2_500  # in which a tab that is seen asks twice


@pytest.fixture
def crew(product):
    """A team of this test's own, so that what it files and approves does not count in other
    tests.
    """
    return team(f"Elm{next(number)}")


def deliver(product, to, payload):
    body, headers = signed(to.provider, payload, SECRET)
    assert post(f"{product.receiver}{to.path}", content=body, headers=headers).status_code == 200


def is_processed(crew) -> bool:
    """Whether the worker has come to all that arrived; a screen would only be loaded in vain."""
    with as_system(crew.admin.organization_id) as db:
        found = set(db.scalars(select(WebhookDelivery.status)))
    return bool(found) and DeliveryStatus.PENDING not in found


def figure(page, name):
    """The figure on a card."""
    return page.get_by_test_id("stMetric").filter(has_text=name).get_by_test_id("stMetricValue")


def test_a_closer_files_the_form_on_a_phone_and_the_manager_sees_it_on_the_dashboard(crew, visit):
    manager = visit("/dashboard", crew.people["manager"])
    expect(manager.get_by_text("1 of 2 bookings due are confirmed")).to_be_visible()

    phone = visit("/my-day", crew.rep, **PHONE)
    phone.get_by_role("link", name="File form").click()
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
    manager.reload()
    expect(manager.get_by_text("2 of 2 bookings due are confirmed")).to_be_visible()


def test_an_open_dashboard_follows_the_data_while_somebody_sees_it_and_the_session_lasts(
    product, crew, visit
):
    calendly, stripe = (
        sender(crew.admin.organization_id, provider) for provider in ("calendly", "stripe")
    )
    page, asked = visit("/dashboard", crew.admin), []
    page.on("request", lambda each: asked.append(each.url) if "/live/" in each.url else None)
    expect(figure(page, "Booked calls")).to_have_text("2")
    expect(figure(page, "Cash collected")).to_have_text("$4,997")
    page.evaluate("document.title = 'the same page'")

    deliver(
        product,
        calendly,
        calendly_created(SampleBooking("lead.two@example.com", now() - timedelta(hours=2))),
    )
    until(lambda: is_processed(crew))
    expect(figure(page, "Booked calls")).to_have_text("3", timeout=FOLLOWS_MS)
    paid_at = now() - timedelta(hours=1)
    charge = stripe_charge("A", 120_000, "lead.two@example.com", paid_at)
    deliver(product, stripe, stripe_event("charge.succeeded", charge, paid_at))
    until(lambda: is_processed(crew))
    expect(figure(page, "Cash collected")).to_have_text("$6,197", timeout=FOLLOWS_MS)
    assert page.title() == "the same page"

    set_hidden(page, True)
    asked.clear()
    page.wait_for_timeout(QUIET_MS)
    assert asked == []
    set_hidden(page, False)
    page.wait_for_timeout(QUIET_MS)
    assert asked

    [session] = [each for each in page.context.cookies() if each["name"] == COOKIE]
    close_session(session["value"])
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(figure(page, "Booked calls")).to_have_count(0)
    asked.clear()
    page.wait_for_timeout(QUIET_MS)
    assert asked == []


def set_hidden(page, hidden):
    """As when somebody goes to another tab of the browser, or comes back."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def test_switching_the_organisation_shows_the_other_ones_figures_and_only_these(
    ours, theirs, visit
):
    page = visit("/dashboard", ours.people["manager"])
    expect(figure(page, "Cash collected")).to_have_text("$4,997")

    page.get_by_label("Organisation").select_option("Douglas organisation")
    page.get_by_role("button", name="Switch").click()

    expect(figure(page, "Cash collected")).to_have_text("€4,997")
    expect(page.get_by_text("Douglas manager", exact=True)).to_have_count(0)
    expect(page.get_by_text("Cedar manager", exact=True).first).to_be_visible()
    page.goto(f"{page.url.split('/dashboard')[0]}/event?id={ours.ids['event']}")
    expect(page.get_by_text("There is no such booking")).to_be_visible()


def test_a_filter_lives_in_the_address_survives_a_reload_and_goes_along_to_the_rows(crew, visit):
    page = visit("/dashboard", crew.admin)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name=re.compile("Closer")).click()
    page.get_by_role("option", name=f"{crew.mark} closer").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(rf"closer={crew.mark}(\+|%20)closer"))
    rows = page.get_by_role("link", name="See the bookings").first
    expect(rows).to_have_attribute("href", re.compile("closer="))

    page.reload()
    expect(page.get_by_role("button", name="Filters (1)")).to_be_visible()
    rows.click()

    expect(page.get_by_text("These are the bookings behind Booked calls")).to_be_visible()
    expect(page.get_by_role("button", name="Filters (1)")).to_be_visible()
    expect(page.get_by_text("2 bookings")).to_be_visible()


def test_a_figure_of_the_leaderboard_can_be_sent_to_a_colleague(crew, visit):
    page = visit("/leaderboards", crew.admin)
    page.get_by_role("combobox", name=re.compile("Figure")).click()
    page.get_by_role("option", name="Booked calls").click()
    expect(page).to_have_url(re.compile("metric=Booked"))

    colleague = visit(
        page.url.removeprefix(page.url.split("/leaderboards")[0]), crew.people["manager"]
    )
    expect(colleague.get_by_role("combobox", name=re.compile("Figure"))).to_have_value(
        "Booked calls"
    )


def test_a_row_of_the_latest_bookings_opens_the_booking_and_leads_to_its_payment(crew, visit):
    page = visit("/dashboard", crew.admin)
    page.get_by_role("table", name="Latest bookings").locator("tbody tr").first.click()
    expect(page.get_by_role("heading", name=f"{crew.mark} lead")).to_be_visible()

    first_row(page).click()
    expect(page).to_have_url(re.compile(rf"/payment\?id={crew.ids['payment']}"))
    expect(page.get_by_role("heading", name="$4,997.00")).to_be_visible()

    page.keyboard.press("Control+k")  # and from anywhere back to the booking, by keyboard alone
    page.keyboard.type(f"{crew.mark} lead")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/event\?id="))


def first_row(page):
    return page.get_by_role("table").first.locator("tbody tr").first


def test_a_person_decides_whose_a_payment_is_and_can_take_it_back(crew, visit):
    page = visit(f"/payment?id={crew.ids['payment']}", crew.admin)
    page.get_by_text("Choose the booking").click()
    page.get_by_text("No booking: leave it unmatched").click()
    page.get_by_label("Reason (required)").first.fill("Paid for somebody else")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Not matched to a booking")).to_be_visible()

    page.get_by_role("button", name="Undo and match again").click()
    expect(page.get_by_text("Not matched to a booking")).to_have_count(0)
    expect(page.get_by_text(f"{crew.mark} closer").first).to_be_visible()


def test_a_payout_is_made_approved_by_its_name_and_downloaded(crew, visit):
    page = visit("/payouts", crew.admin)
    page.get_by_text("Create a payout").click()
    expect(
        page.get_by_role("button", name="Choose date range")
    ).to_be_visible()  # the last part of the form to be drawn
    page.get_by_label("Name").fill("First half")
    page.get_by_role("button", name="Create draft").click()
    expect(page.get_by_role("heading", name="First half")).to_be_visible()
    expect(page.get_by_role("button", name="Approve payout")).to_be_disabled()

    page.goto(f"{page.url.split('?')[0]}?id={crew.ids['payout']}")
    name = f"{crew.mark} payout"
    page.get_by_label(f"To confirm, enter the name of the payout: {name}").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Approve payout").click()
    expect(page.get_by_role("button", name="Mark as paid")).to_be_visible()
    page.get_by_role("button", name="Download").last.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    assert f"{crew.mark} lead,4997.00,0.00,4997.00,USD,{crew.mark} closer" in lines[1]


def test_an_export_is_what_the_link_on_its_screen_says(product, crew, visit):
    page = visit("/exports?table=Payments", crew.admin)
    link = page.get_by_role("link", name="Download")
    expect(link).to_have_attribute("href", re.compile("/exports/payments"))

    answer = page.request.get(f"{product.screens}{link.get_attribute('href')}")
    assert answer.headers["content-disposition"] == 'attachment; filename="payments.csv"'
    (row,) = csv.DictReader(answer.text().removeprefix("\ufeff").splitlines())
    assert (Decimal(row["Amount"]), row["Currency"]) == (Decimal(4997), "USD")
    assert row["Customer's e-mail"] == f"lead@{crew.mark.lower()}.example.com"


def test_a_new_connection_receives_a_test_delivery_which_is_opened_and_replayed(
    product, crew, visit
):
    page = visit("/connections", crew.admin)
    page.get_by_text("Create connection").click()
    page.get_by_role("radiogroup", name="Provider").get_by_text("Stripe").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Second account")
    page.get_by_role("textbox", name="Signing secret").fill("short")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("That doesn't look like a Stripe signing secret")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Second account")
    page.get_by_role("textbox", name="Signing secret").fill(SECRET)
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="Second account · Stripe")).to_be_visible()
    expect(page.get_by_text(f"{product.receiver}/webhooks/stripe/")).to_be_visible()
    expect(page.get_by_text("Nothing has arrived yet. 0 deliveries so far.")).to_be_visible()

    page.get_by_role("button", name="Send test delivery").click()
    expect(page.get_by_text("Test delivery received, today")).to_be_visible(timeout=30_000)
    until(lambda: is_processed(crew))
    expect(page.locator("table tbody tr")).to_contain_text("Test received", timeout=30_000)

    page.locator("table tbody tr td").last.click()
    expect(page.get_by_role("heading", name="Test delivery", exact=True)).to_be_visible()
    expect(page.get_by_text("Signature: valid.")).to_be_visible()
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text(f"Replayed by {crew.admin.name}")).to_be_visible()
