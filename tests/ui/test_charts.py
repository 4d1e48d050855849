"""What the dashboard's charts show of a period: its grain, its axes, what is not over yet, the
exact figures below, and the rows behind a point.
"""

import json
import re
from datetime import timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest

from core.metrics.grains import GRAINS, slices
from core.platform.clock import now, today
from core.platform.database import as_system
from core.ui.parts import charts
from core.ui.parts.filters import preset_period
from tests import factories as make
from tests.ui.grids import grid, grids
from tests.ui.screens import addressed, browser_of, opened, words

ZONE = "Europe/Copenhagen"
SHOWED = {"call_status": "completed", "event_outcome": "showed"}


@pytest.fixture(scope="module")
def admin(database_url):
    """An organisation that has had two bookings and a payment a week for twenty weeks."""
    org = make.organization(timezone=ZONE)
    with as_system(org) as db:
        by = make.closer(db, org, "Ana")
        for week in range(20):
            at = now() - timedelta(weeks=week, hours=1)
            for minute in range(2):
                make.event(db, org, by, at=at - timedelta(minutes=minute), **SHOWED)
            make.payment(db, org, "10.50", at=at, closer_id=by.id)
    return make.viewer(org)


def trend_of(page):
    """The traces of the trend by their names, and its layout."""
    for each in page.get("plotly_chart"):
        spec = json.loads(each.proto.spec)
        names = {trace.get("name"): trace for trace in spec["data"]}
        if "points" in names:
            return names, spec["layout"]
    raise AssertionError("There is no trend.")


def look(admin, **query):
    page = opened("dashboard", admin, **query)
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("query", "heading", "axis", "points"),
    [
        ({"period": "Last 30 days"}, "Day by day", "Day", 30),
        ({"period": "This quarter"}, "Week by week", "Week beginning", range(13, 16)),
        ({"period": "Last 365 days"}, "Month by month", "Month", range(12, 14)),
        (
            {"period": "Last 30 days", "grain": "Week"},
            "Week by week",
            "Week beginning",
            range(5, 7),
        ),
    ],
)
def test_a_chart_is_cut_by_the_length_of_the_period_or_as_chosen(
    admin, query, heading, axis, points
):
    page = look(admin, trend="Cash collected", **query)
    traces, layout = trend_of(page)
    assert heading in words(page)
    assert len(traces["points"]["x"]) in (points if isinstance(points, range) else [points])
    assert layout["xaxis"]["title"]["text"] == axis
    assert layout["yaxis"]["title"]["text"] == "Cash collected (USD)"
    assert len(layout["xaxis"]["tickvals"]) <= charts.MOST_TICKS


def test_what_is_not_over_yet_is_dashed_and_says_so(admin):
    traces, _ = trend_of(look(admin, period="Last 30 days"))
    assert (traces["finished"]["line"]["dash"], traces["unfinished"]["line"]["dash"]) == (
        "solid",
        "dot",
    )
    assert (len(traces["finished"]["x"]), len(traces["unfinished"]["x"])) == (29, 2)
    first, *_, last = traces["points"]["customdata"]
    assert re.fullmatch(r"Booked calls, \w{3} \d+, \d{4}: \d", first)
    assert re.fullmatch(r"Booked calls, \w{3} \d+, \d{4}, so far: \d", last)


def test_a_rate_says_what_it_is_based_on_and_stands_hollow_on_few(admin):
    traces, layout = trend_of(look(admin, period="Last 30 days", trend="Show rate", grain="Week"))
    assert layout["yaxis"]["range"] == [0, 1.02]
    assert set(traces["points"]["marker"]["symbol"]) == {"circle-open"}
    assert any(each.endswith(": 2 of 2, 100%") for each in traces["points"]["customdata"])


def test_each_figure_has_its_own_colour_everywhere(admin):
    page = look(admin, period="Last 30 days", trend="Closes")
    colour = trend_of(page)[0]["finished"]["line"]["color"]
    specs = [json.loads(each.proto.spec)["data"][0] for each in page.get("plotly_chart")]
    [funnel] = [each for each in specs if each.get("y", [None])[0] == "Booked"]
    assert colour == funnel["marker"]["color"][3] == charts.COLOURS["closes"]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("trend", ["first", "last", "value", "before"]),
        ("steps", ["step", "count", "share"]),
        ("hours", ["weekday", "hour", "count"]),
    ],
)
def test_the_exact_figures_stand_under_each_chart_when_they_are_opened(admin, table, columns):
    page = addressed("dashboard", period="Last 30 days", trend="Cash collected")
    with browser_of(admin):
        page.run()
        assert not [each for each in grids(page) if set(columns) <= set(each.names)]
        page.session_state[f"{table} figures"] = True
        page.run()
    assert not page.exception
    shown = grid(page, *columns)
    if table == "trend":
        assert sorted(set(shown.column("value"))) == ["$10.50", "–"]
        assert len(shown.rows) == 30


def test_a_shared_dashboard_shows_them_without_a_file_which_a_stranger_could_not_fetch(ours):
    page = addressed("shared", **ours.row("shared"))
    with browser_of(None):
        page.run()
        page.session_state["hours figures"] = True
        page.run()
    assert grid(page, "weekday", "hour", "count").rows
    assert not page.get("download_button")


@pytest.mark.parametrize("grain", GRAINS)
def test_a_point_opens_the_rows_of_its_days(admin, grain):
    period = preset_period("Last 365 days", today(ZONE), ZONE)
    [*_, part, _] = parts = slices(period, grain)

    def chart(*_, key, **__):
        point = {"curve_number": 0, "point_index": len(parts) - 2}
        return {"selection": {"points": [point] if key == "trend chart" else []}}

    with patch("streamlit.plotly_chart", chart):
        page = look(admin, period="Last 365 days", grain=grain.capitalize(), compare="None")
    addresses = " ".join(each.proto.body for each in page.get("html"))
    assert f"from={part.period.start}&to={max(part.days)}" in addresses


def test_where_nothing_is_recorded_of_the_earlier_period_the_page_says_so_and_compares_nothing(
    admin,
):
    page = look(admin, period="Last 365 days")
    assert {card.delta for card in page.metric} == {"No comparison"}
    first = (now() - timedelta(weeks=19, hours=1)).astimezone(ZoneInfo(ZONE)).date()
    assert f": nothing before {first:%b} {first.day}" in " ".join(words(page))
    assert "compared" not in trend_of(page)[0]
    assert "compared" in trend_of(look(admin, period="Last 30 days"))[0]
