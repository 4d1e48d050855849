"""A period is cut into days, weeks or months without a gap, each with its own figures, and lies
beside the same cut of the earlier one.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.metrics.changes import change_of, first_days
from core.metrics.comparison import compared
from core.metrics.dashboard import FIGURES, dashboard
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.filters import Filters
from core.metrics.grains import GRAINS, earlier_slices, grain_of, slices
from core.metrics.table import totals
from core.platform.clock import Period, day_start
from core.platform.database import as_system
from core.ui.parts.filters import preset_period
from tests import factories as make
from tests.metrics.oracle import Asked

ZONE = "Europe/Copenhagen"
FACTS = {fact.key: fact for fact in (EVENTS, PAYMENTS)}


@pytest.mark.parametrize(
    ("preset", "grain"),
    [
        ("Today", "day"),
        ("Last 30 days", "day"),
        ("This month", "day"),
        ("This quarter", "week"),
        ("This year", "month"),
        ("Last 365 days", "month"),
    ],
)
def test_a_period_is_cut_so_that_its_points_can_be_told_apart(preset, grain):
    period = preset_period(preset, date(2026, 8, 19), ZONE)
    assert grain_of(period) == grain
    assert len(slices(period, grain)) <= 31


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("days", [1, 6, 7, 30, 90, 365])
def test_the_slices_are_the_period_without_a_gap(grain, days):
    start = date(2026, 1, 29)
    period = Period(start, start + timedelta(days=days), ZONE)
    parts = slices(period, grain)
    assert [day for part in parts for day in part.days] == [
        start + timedelta(days=place) for place in range(days)
    ]
    assert all(part.key.weekday() == 0 for part in parts if grain == "week")
    assert all(part.key.day == 1 for part in parts if grain == "month")
    assert [part.is_whole for part in parts[1:-1]] == [True] * len(parts[1:-1])


def look(history, grain, comparison=None):
    with history.viewers["admin"].transaction() as db:
        period, at = history.period, history.at
        return dashboard(db, period, comparison, Filters(), at, grain)


def reckoned(oracle, period, at):
    found = oracle.figures((), Asked(period, at))[()]
    return {key: found[key] for key in FIGURES}


@pytest.mark.parametrize("grain", GRAINS)
def test_each_slice_has_the_figures_of_its_days_and_its_rates_are_of_their_sums(
    history, oracle, grain
):
    seen = look(history, grain)
    for part, row in zip(seen.slices, seen.course.rows, strict=True):
        values = {key: row.values[key] for key in FIGURES}
        assert values == reckoned(oracle, part.period, history.at), part


@pytest.mark.parametrize("grain", ["day", "week"])
def test_beside_each_slice_lies_the_same_part_of_the_earlier_period(history, oracle, grain):
    late = Period(history.period.start + timedelta(days=11), history.period.end, history.timezone)
    comparison = compared(late, late.ends_at)
    with history.viewers["admin"].transaction() as db:
        seen = dashboard(db, late, comparison, Filters(), history.at, grain)
    back = timedelta(days=late.days)
    found = [
        reckoned(
            oracle,
            Period(part.period.start - back, part.period.end - back, late.timezone),
            history.at,
        )
        for part in seen.slices
    ]
    assert seen.course_before == found
    assert sum(row["booked_calls"] for row in found) == seen.before["booked_calls"] > 0


def local(*moment):
    return datetime(*moment, tzinfo=UTC)


def test_a_month_lies_beside_the_whole_of_the_earlier_one_and_one_to_come_beside_none():
    org = make.organization(timezone="UTC")
    with as_system(org) as db:
        for moment in ((2025, 1, 31), (2025, 2, 1), (2025, 6, 30), (2025, 12, 5), (2026, 3, 2)):
            make.event(db, org, at=local(*moment, 12))
    year = Period(date(2026, 1, 1), date(2027, 1, 1), "UTC", in_months=True)
    at = local(2026, 3, 20, 9)
    with make.viewer(org).transaction() as db:
        seen = dashboard(db, year, compared(year, at, "year"), Filters(), at)
    before = [row and row["booked_calls"] for row in seen.course_before]
    assert [row.values["booked_calls"] for row in seen.course.rows] == [0, 0, 1] + [0] * 9
    assert before == [1, 1, 0] + [None] * 9


def months(first, after):
    return Period(date(*first, 1), date(*after, 1), ZONE, in_months=True)


FEBRUARY, MARCH = months((2027, 2), (2027, 3)), months((2027, 3), (2027, 4))
QUARTER, LAST_QUARTER = months((2027, 1), (2027, 4)), months((2026, 10), (2027, 1))
NOVEMBER = months((2026, 11), (2026, 12))
LATER, MORNING = local(2027, 12, 1), local(2026, 11, 11, 9)  # ten o'clock in Copenhagen


@pytest.fixture(scope="module")
def daily(database_url):
    """An admin of an organisation with one booking at noon of every day."""
    org = make.organization(timezone=ZONE)
    with as_system(org) as db:
        for number in range(220):
            noon = day_start(date(2026, 9, 1) + timedelta(days=number), ZONE) + timedelta(hours=12)
            make.event(db, org, at=noon)
    return make.viewer(org)


@pytest.mark.parametrize(
    ("period", "at", "grain"),
    [
        (FEBRUARY, LATER, "week"),  # January is longer
        (MARCH, LATER, "week"),  # February is shorter
        (MARCH, LATER, "day"),
        (QUARTER, LATER, "month"),
        (QUARTER, LATER, "week"),
        (NOVEMBER, MORNING, "week"),  # not over yet
        (NOVEMBER, MORNING, "day"),
        (LAST_QUARTER, MORNING, "month"),
        (Period(date(2026, 11, 2), date(2026, 11, 28), ZONE), MORNING, "week"),
    ],
)
def test_the_compared_line_is_of_exactly_the_days_that_it_names(daily, period, at, grain):
    with daily.transaction() as db:
        seen = dashboard(db, period, compared(period, at), Filters(), at, grain)
        named = [
            part and totals(db, part, at=at, only=FIGURES)["booked_calls"]
            for part in seen.earlier_slices
        ]
    line = [values and values["booked_calls"] for values in seen.course_before]
    assert line == named
    assert sum(filter(None, line)) == seen.before["booked_calls"]


@pytest.mark.parametrize(
    ("period", "at", "grain", "place", "start", "end", "until"),
    [
        (FEBRUARY, LATER, "week", -1, (2027, 1, 22), (2027, 2, 1), None),
        (FEBRUARY, LATER, "day", -1, (2027, 1, 28), (2027, 1, 29), None),
        (QUARTER, LATER, "month", 1, (2026, 11, 1), (2026, 12, 1), None),
        (NOVEMBER, MORNING, "week", 2, (2026, 10, 9), (2026, 10, 12), local(2026, 10, 11, 8)),
        (NOVEMBER, MORNING, "day", 10, (2026, 10, 11), (2026, 10, 12), local(2026, 10, 11, 8)),
    ],
)
def test_beside_the_end_of_a_month_lies_the_rest_of_the_earlier_one_as_far_as_it_has_come(
    period, at, grain, place, start, end, until
):
    comparison, parts = compared(period, at), slices(period, grain)
    found = earlier_slices(parts, grain, comparison)
    assert found[place] == Period(date(*start), date(*end), ZONE, until)
    if until:
        assert found[place + 1 :] == [None] * (len(parts) - place - 1)


def change(org, key, period, at):
    with make.viewer(org).transaction() as db:
        seen = dashboard(db, period, compared(period, at), Filters(), at)
        firsts = first_days(db, FACTS, period.timezone, Filters())
        now, earlier = totals(db, period), totals(db, seen.comparison.earlier)
    assert seen.change(key, "USD") == change_of(
        key, now, earlier, seen.comparison.earlier, firsts, "USD"
    )
    found = seen.change(key, "USD")
    return found.why or round(found.moved)


def test_a_change_is_shown_only_against_a_period_of_which_enough_is_recorded():
    org = make.organization(timezone="UTC")
    november, at = (
        Period(date(2026, 11, 1), date(2026, 12, 1), "UTC", in_months=True),
        local(2027, 1, 1),
    )

    def add(day, count, **values):
        with as_system(org) as db:
            for number in range(count):
                moment = local(*day, 12) + timedelta(minutes=number)
                make.event(db, org, at=moment, **values)

    shown = {"call_status": "completed", "event_outcome": "showed"}
    missed = {"call_status": "no_show", "event_outcome": "no_show"}
    assert change(org, "booked_calls", november, at) == "nothing before"
    add((2026, 11, 3), 12, **shown)
    assert change(org, "booked_calls", november, at) == "nothing before 3 Nov"
    add((2026, 10, 9), 1, **missed)
    assert change(org, "booked_calls", november, at) == "nothing before 9 Oct"
    add((2026, 9, 9), 1, **missed)
    assert change(org, "booked_calls", november, at) == "only 1 before"
    assert change(org, "show_rate", november, at) == "only 1 before"
    assert change(org, "cash_collected", november, at) == "nothing before"
    add((2026, 10, 10), 5, **shown)
    assert change(org, "booked_calls", november, at) == 100
    assert change(org, "show_rate", november, at) == "only 6 before"
    add((2026, 10, 10), 4, **shown)
    assert change(org, "show_rate", november, at) == 10
    assert change(org, "no_shows", november, at) == -100


def test_money_is_compared_from_the_first_payment_on_and_never_with_next_to_nothing():
    org = make.organization(timezone="UTC")
    november, at = (
        Period(date(2026, 11, 1), date(2026, 12, 1), "UTC", in_months=True),
        local(2027, 1, 1),
    )
    with as_system(org) as db:
        make.event(db, org, at=local(2026, 9, 1))
        for amount, day in (("5000", (2026, 11, 3)), ("13", (2026, 10, 2))):
            make.payment(db, org, amount, at=local(*day))
    assert change(org, "cash_collected", november, at) == "only $13 before"
    with as_system(org) as db:
        make.payment(db, org, "4987", at=local(2026, 10, 3))
    assert change(org, "cash_collected", november, at) == 0


@pytest.mark.parametrize(("first", "found"), [(3, -96), (4, "nothing before 4 Oct")])
def test_the_first_row_may_come_within_the_first_tenth_and_not_on_the_day_after(first, found):
    org = make.organization(timezone="UTC")
    with as_system(org) as db:
        for day in range(first, first + 27):
            make.event(db, org, at=local(2026, 10, day, 12))
        make.event(db, org, at=local(2026, 11, 3, 12))
    november = Period(date(2026, 11, 1), date(2026, 12, 1), "UTC", in_months=True)
    assert change(org, "booked_calls", november, local(2027, 1, 1)) == found


def test_a_week_is_compared_where_the_first_row_came_on_its_first_day():
    org = make.organization(timezone="UTC")
    week = Period(date(2026, 11, 9), date(2026, 11, 16), "UTC")
    with as_system(org) as db:
        make.event(db, org, at=local(2026, 11, 2, 12))
        make.event(db, org, at=local(2026, 11, 9, 12))
    assert change(org, "booked_calls", week, local(2027, 1, 1)) == 0


@pytest.mark.parametrize(
    ("shown", "found"), [(0, "none now"), (1, "only 1 now"), (9, "only 9 now"), (10, 40)]
)
def test_a_rate_of_a_few_present_bookings_shows_no_change(shown, found):
    org = make.organization(timezone="UTC")
    with as_system(org) as db:
        for number in range(20):
            went = "showed" if number < 12 else "no_show"
            status = "completed" if went == "showed" else "no_show"
            at = local(2026, 10, 1 + number, 12)
            make.event(db, org, at=at, call_status=status, event_outcome=went)
        for number in range(shown):
            at = local(2026, 11, 1 + number, 12)
            make.event(db, org, at=at, call_status="completed", event_outcome="showed")
    november = Period(date(2026, 11, 1), date(2026, 12, 1), "UTC", in_months=True)
    assert change(org, "show_rate", november, local(2027, 1, 1)) == found
