"""Every figure leads to its rows: charts by the chosen point, tables by the chosen person."""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.browser.runs import PATIENCE_MS, settled
from tests.ui.teams import team

TRIES = 5


@pytest.fixture
def crew(product):
    return team("Elm")


def lands(page, click, address: str) -> None:
    """Clicks until the page of rows opens: a click is lost while a chart is drawn again after its
    font was loaded.
    """
    start = page.url
    for _ in range(TRIES):
        if page.url == start:
            click()
        with suppress(TimeoutError):
            page.wait_for_url(re.compile(address), timeout=PATIENCE_MS / TRIES, wait_until="commit")
            return
    expect(page).to_have_url(re.compile(address))


def calls_of(page) -> int:
    """The number of events that the page of rows says it lists."""
    settled(page)
    return int(page.get_by_text(re.compile(r"^[\d,]+ bookings?$")).inner_text().split()[0])


def choose_first_row(page, label: str) -> None:
    page.get_by_role("table", name=label).locator("tbody tr").first.click()


def boxes_of(points) -> list:
    return [point.bounding_box() for point in points.all()]


def at_rest(page, measured):
    """What is measured once it stays the same: a chart moves when its titles get their room."""
    before, now = None, measured()
    while now != before:
        page.wait_for_timeout(300)
        before, now = now, measured()
    return now


def chart(page, key: str):
    """The chart with this key; charts may be drawn in any order."""
    drawn = page.locator(f".st-key-{key} .js-plotly-plot")
    expect(drawn.locator(".point").first).to_be_attached()
    return drawn


def test_a_step_of_the_funnel_leads_to_as_many_calls_as_it_counts(crew, visit):
    page = visit("/dashboard", crew.admin)
    funnel = chart(page, "funnel")
    booked = funnel.locator(".point").first
    counted = booked.locator(".bartext").inner_html()
    lands(page, lambda: booked.locator("path").click(force=True), r"/events\?figure=booked_calls")
    assert str(calls_of(page)) == counted.split("·")[0].strip()


@pytest.mark.nightly
def test_an_hour_of_the_week_leads_to_as_many_calls_as_it_counts(crew, visit):
    page = visit("/dashboard", crew.admin)
    busiest = chart(page, "heat").locator('.point path[style*="fill-opacity: 1"]').first
    lands(page, lambda: busiest.click(force=True), r"/events\?figure=booked_calls.*&hour=")
    assert calls_of(page) > 0


@pytest.mark.nightly
def test_a_day_of_the_trend_leads_to_the_calls_of_that_day(crew, visit):
    page = visit("/dashboard?compare=None", crew.admin)
    points = chart(page, "trend-chart").locator(".scatterlayer path.point")

    def choose_the_busiest_day() -> None:
        highest = at_rest(page, lambda: min(boxes_of(points), key=lambda box: box["y"]))
        page.mouse.move(highest["x"] + 3, highest["y"] + 3)
        page.mouse.click(highest["x"] + 3, highest["y"] + 3)

    lands(
        page,
        choose_the_busiest_day,
        r"/events\?figure=booked_calls&period=Custom&from=([\d-]+)&to=\1$",
    )
    assert calls_of(page) > 0


@pytest.mark.nightly
def test_the_number_beside_a_person_on_the_dashboard_leads_to_their_calls(crew, visit):
    page = visit("/dashboard", crew.admin)
    number = page.get_by_role("table", name="Closers").locator("tbody tr a.way").first
    lands(page, number.click, r"/events\?figure=booked_calls&closer=")
    assert calls_of(page) > 0


@pytest.mark.nightly
def test_a_place_on_the_leaderboard_leads_to_the_person_and_on_to_their_calls(crew, visit):
    page = visit("/leaderboards?metric=Booked+calls&period=Last+365+days", crew.admin)
    lands(page, lambda: choose_first_row(page, "Board"), r"/person\?id=")
    expect(page.get_by_role("heading", name=f"{crew.mark} closer")).to_be_visible()
    bookings = page.get_by_role("link", name="See the bookings")
    lands(page, bookings.click, r"/events\?figure=booked_calls&closer=.*&period=Custom")
    assert calls_of(page) > 0
