"""A period is compared with the same part of the one before it, and each day with the day at its
place.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.metrics.comparison import compared
from core.metrics.dashboard import dashboard
from core.metrics.filters import Filters
from core.platform.clock import Period
from core.platform.database import as_system
from core.ui.parts.filters import preset_period
from tests import factories as make

ZONE = "Europe/Copenhagen"


def local(*moment, zone=ZONE):
    return datetime(*moment, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def preset(name, at, zone=ZONE):
    return preset_period(name, at.astimezone(ZoneInfo(zone)).date(), zone)


@pytest.mark.parametrize(
    ("name", "at", "start", "until"),
    [
        # The same day of the month, and the same hour.
        ("This month", (2026, 11, 3, 14), date(2026, 10, 1), (2026, 10, 3, 14)),
        ("This month", (2026, 3, 10, 9), date(2026, 2, 1), (2026, 2, 10, 9)),
        ("This month", (2026, 3, 31, 9), date(2026, 2, 1), (2026, 3, 1)),
        ("This month", (2026, 1, 5, 1), date(2025, 12, 1), (2025, 12, 5, 1)),
        ("This quarter", (2026, 8, 31, 9), date(2026, 4, 1), (2026, 5, 31, 9)),
        ("This quarter", (2026, 5, 30, 9), date(2026, 1, 1), (2026, 3, 1)),
        ("This year", (2024, 2, 29, 9), date(2023, 1, 1), (2023, 3, 1)),
        # The same weekday.
        ("This week", (2026, 11, 4, 14), date(2026, 10, 26), (2026, 10, 28, 14)),
        # As many days right before, also when they happen to be a whole month or year.
        ("Last 30 days", (2026, 11, 29, 15), date(2026, 10, 1), (2026, 10, 30, 15)),
        ("Last 30 days", (2026, 11, 30, 15), date(2026, 10, 2), (2026, 10, 31, 15)),
        ("Last 365 days", (2025, 12, 31, 15), date(2024, 1, 2), (2024, 12, 31, 15)),
        # The same hour, also across the change of the clocks.
        ("Today", (2026, 10, 25, 14), date(2026, 10, 24), (2026, 10, 24, 14)),
        ("Last 7 days", (2026, 11, 4, 14), date(2026, 10, 22), (2026, 10, 28, 14)),
        # What is over is compared with the whole of what lies before it.
        ("Yesterday", (2026, 11, 4, 14), date(2026, 11, 2), (2026, 11, 3)),
        ("Last month", (2026, 11, 3, 14), date(2026, 9, 1), (2026, 10, 1)),
        ("Last month", (2026, 3, 3, 14), date(2026, 1, 1), (2026, 2, 1)),
    ],
)
def test_a_period_is_compared_with_the_same_part_of_the_one_before(name, at, start, until):
    found = compared(preset(name, local(*at)), local(*at))

    assert found.earlier.start == start
    assert (found.earlier.starts_at, found.earlier.ends_at) == (
        local(start.year, start.month, start.day),
        local(*until),
    )


@pytest.mark.parametrize(
    ("name", "at", "start", "until"),
    [
        ("This month", (2026, 11, 3, 14), date(2025, 11, 1), (2025, 11, 3, 14)),
        ("Last month", (2026, 11, 3, 14), date(2025, 10, 1), (2025, 11, 1)),
        ("Last 7 days", (2026, 11, 4, 14), date(2025, 10, 30), (2025, 11, 5, 14)),
        ("Last 30 days", (2026, 11, 30, 15), date(2025, 11, 2), (2025, 12, 1, 15)),
    ],
)
def test_last_year_is_the_same_month_or_the_same_weekdays(name, at, start, until):
    found = compared(preset(name, local(*at)), local(*at), "year")

    assert (found.earlier.start, found.earlier.ends_at) == (start, local(*until))


def test_what_has_not_begun_is_compared_with_nothing():
    at = local(2026, 11, 4, 14)
    assert compared(preset("Next 7 days", at), at) is None


def test_a_month_beside_the_month_before_has_no_change_where_the_same_happened():
    """One booking on every day of both months, also of those to come."""
    org = make.organization(timezone=ZONE)
    admin, at = make.viewer(org), local(2026, 11, 3, 23)
    with as_system(org) as db:
        for number in range(61):
            day = date(2026, 10, 1) + timedelta(days=number)
            make.event(db, org, at=local(day.year, day.month, day.day, 12))
    month = preset("This month", at)
    with admin.transaction() as db:
        seen = dashboard(db, month, compared(month, at), Filters(), at)

    figures = (seen.now, seen.so_far, seen.before)
    assert [each["booked_calls"] for each in figures] == [30, 3, 3]
    assert [row.keys["day"].id for row in seen.course.rows] == [
        date(2026, 11, day) for day in range(1, 31)
    ]
    before = [day and day["booked_calls"] for day in seen.course_before]
    assert before == [1, 1, 1] + [None] * 27


def test_every_day_has_its_point_and_lies_beside_the_day_of_its_number():
    org = make.organization(timezone=ZONE)
    admin, at = make.viewer(org), local(2026, 11, 20, 12)
    with as_system(org) as db:
        for moment in ((2026, 10, 3, 12), (2026, 10, 31, 12), (2026, 9, 3, 12), (2026, 9, 30, 12)):
            make.event(db, org, at=local(*moment))
    october = preset("Last month", at)
    with admin.transaction() as db:
        seen = dashboard(db, october, compared(october, at), Filters(), at)

    booked = [row.values["booked_calls"] for row in seen.course.rows]
    before = [day and day["booked_calls"] for day in seen.course_before]
    assert booked == [0, 0, 1] + [0] * 27 + [1]
    assert before == [0, 0, 1] + [0] * 26 + [1, None]
    assert (sum(booked), seen.before["booked_calls"]) == (2, 2)


def test_days_beside_each_other_are_the_periods_days_in_every_zone_and_season():
    for zone in ("America/Havana", "Australia/Lord_Howe", "Pacific/Apia"):
        for week in range(0, 53, 3):
            at = local(2026, 1, 2, 23, 30, zone=zone) + timedelta(weeks=week)
            for name in ("Today", "This week", "This month", "This quarter", "Last 30 days"):
                period = preset(name, at, zone)
                found = compared(period, at)
                assert found.present.ends_at == min(at, period.ends_at)
                assert found.earlier.ends_at <= period.starts_at
                day = at.astimezone(ZoneInfo(zone)).date()
                beside = found.beside(day)
                assert beside is None or found.earlier.start <= beside < found.earlier.end


def test_a_period_cut_in_the_middle_covers_what_happened_before():
    whole = Period(date(2026, 11, 1), date(2026, 12, 1), ZONE)
    noon = local(2026, 11, 3, 12)
    assert Period(whole.start, whole.end, ZONE, noon).ends_at == noon
    assert Period(whole.start, whole.end, ZONE, noon + timedelta(days=90)).ends_at == whole.ends_at
