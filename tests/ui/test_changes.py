"""What a period is compared with, on the cards and in the chart."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from unittest.mock import patch

import pytest

from core.platform.clock import now, today
from core.platform.database import as_system
from tests import factories as make
from tests.ui.screens import opened


@pytest.fixture
def admin():
    """An organisation with bookings till now, and cash of earlier weeks alone."""
    org = make.organization()
    with as_system(org) as db:
        by = make.closer(db, org)
        make.event(db, org, by, at=now() - timedelta(hours=1))
        for days in (10, 20):
            make.payment(db, org, at=now() - timedelta(days=days), closer_id=by.id)
            make.event(db, org, by, at=now() - timedelta(days=days))
    return make.viewer(org)


def test_cash_that_came_to_nothing_has_fallen_by_all_of_it(admin):
    page = opened("dashboard", admin, period="Last 7 days")
    [cash] = [card for card in page.metric if card.label == "Cash collected"]
    assert cash.delta == "-100%"


@pytest.mark.parametrize(("series", "ago"), [(0, 8), (1, 1)], ids=["compared", "this period"])
def test_a_point_of_either_line_opens_its_own_day(admin, series, ago):
    def chart(*_, key, **__):
        point = {"curve_number": series, "point_index": 5}
        return {"selection": {"points": [point] if key == "trend chart" else []}}

    with patch("streamlit.plotly_chart", chart):
        page = opened("dashboard", admin, period="Last 7 days")
    assert not page.exception
    addresses = " ".join(each.proto.body for each in page.get("html"))
    day = today("Europe/Copenhagen") - timedelta(days=ago)
    assert f"from={day}&to={day}" in addresses


def test_the_compared_point_of_this_day_says_up_to_what_time_and_opens_no_rows(admin):
    charted = []

    def chart(figure, *_, key, **__):
        if key == "trend chart":
            charted.append(figure)
        point = {"curve_number": 0, "point_index": 6}
        return {"selection": {"points": [point] if key == "trend chart" else []}}

    with patch("streamlit.plotly_chart", chart):
        page = opened("dashboard", admin, period="Last 7 days")
    assert not page.exception
    day = today("Europe/Copenhagen") - timedelta(days=7)
    sentences = json.loads(charted[-1].to_json())["data"][0]["customdata"]
    [named] = [each for each in sentences if "up to" in each]
    assert re.search(rf"{day:%b} {day.day}, {day.year}, up to \d+:\d\d [AP]M: ", named)
    assert not [each for each in page.get("html") if f"from={day}" in each.proto.body]
