"""Leaderboards rank the whole organisation by any figure, also for a rep who sees only their own
rows elsewhere.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.metrics.catalog import METRICS
from core.metrics.kinds import SMALL_SAMPLE
from core.metrics.leaderboards import BOARD, Line, leaderboard
from core.metrics.units import RATE
from core.platform.clock import Period, now
from core.platform.database import as_board, as_system
from core.platform.dataframes import dataframe
from core.platform.errors import InvalidInput, NotAllowed
from tests import factories as make
from tests.crossed import crossed
from tests.factories import NOON
from tests.metrics.conftest import AT_NIGHT
from tests.metrics.history import CHANGES
from tests.metrics.oracle import Asked

WEEK = Period(NOON.date(), NOON.date() + timedelta(days=7), "Europe/Copenhagen")
BEFORE = NOON - timedelta(days=7)


def board(org_or_viewer, period=WEEK, who="closer", metric="booked_calls", currency="USD"):
    viewer = org_or_viewer if hasattr(org_or_viewer, "user_id") else make.viewer(org_or_viewer)
    with as_board(viewer.user_id, viewer.organization_id) as db:
        return table(leaderboard(db, period, who, metric, currency, now()))


def table(lines):
    return dataframe(lines, Line._fields)


@pytest.fixture
def org():
    return make.organization()


def calls(db, org, closer, count, at=NOON, **values):
    for number in range(count):
        make.event(db, org, closer, at=at + timedelta(minutes=number), **values)


def shown(db, org, closer, shows, no_shows):
    calls(db, org, closer, shows, call_status="completed", event_outcome="showed")
    calls(db, org, closer, no_shows, call_status="no_show", event_outcome="no_show")


@pytest.mark.parametrize(
    ("history", "role", "metric", "who"),
    crossed(CHANGES, ["admin", "sales_rep"], METRICS, ["closer", "setter"], at_night=AT_NIGHT),
    indirect=["history"],
)
def test_everybody_with_a_figure_is_ranked_by_it_best_first(history, oracle, role, metric, who):
    made = board(history.viewers[role], history.period, who, metric, "USD")
    figures = oracle.figures((who,), Asked(history.period, now()))
    expected = {}
    for (key,), row in figures.items():
        value = row[metric].get("USD", 0) if isinstance(row[metric], dict) else row[metric]
        if key is not None and value is not None:
            expected[key] = pytest.approx(float(value))
    assert dict(zip(made["id"], made["value"], strict=True)) == expected
    assert list(made["name"]) == [oracle.name(who, key) for key in made["id"]]
    sign = 1 if METRICS[metric].good == "down" else -1
    assert made["sample"].notna().all() == (METRICS[metric].unit is RATE)
    order = [(row.small, sign * row.value) for row in made.itertuples()]
    assert order == sorted(order)
    assert list(made["rank"]) == [1 + sum(other < each for other in order) for each in order]


def test_equals_share_a_place_and_the_next_is_left_out(org):
    with as_system(org) as db:
        for name, booked in (("Cy", 12), ("Bo", 12), ("Ana", 12), ("Di", 11)):
            calls(db, org, make.closer(db, org, name), booked)
    made = board(org)
    assert list(zip(made["rank"], made["name"], strict=True)) == [
        (1, "Ana"),
        (1, "Bo"),
        (1, "Cy"),
        (4, "Di"),
    ]


def test_the_change_is_the_places_won_since_the_period_before(org):
    with as_system(org) as db:
        ana, bo, cy = (make.closer(db, org, name) for name in ("Ana", "Bo", "Cy"))
        calls(db, org, ana, 2, BEFORE)
        calls(db, org, bo, 1, BEFORE)
        for closer, count in ((ana, 1), (bo, 3), (cy, 2)):
            calls(db, org, closer, count)
    made = board(org)
    new = 99
    assert [
        (row.rank, row.name, row.change) for row in made.fillna({"change": new}).itertuples()
    ] == [(1, "Bo", 1), (2, "Cy", new), (3, "Ana", -2)]
    assert list(made["is_new"]) == [False, True, False]


def test_whoever_had_a_place_before_or_has_none_yet_is_not_new(org):
    """On the first morning nobody has a place yet in what has passed."""
    with as_system(org) as db:
        ana, bo = (make.closer(db, org, name) for name in ("Ana", "Bo"))
        for closer in (ana, bo):
            calls(db, org, closer, 1, BEFORE)
        calls(db, org, ana, 1)
    with as_board(make.viewer(org).user_id, org) as db:
        early = leaderboard(db, WEEK, "closer", "booked_calls", "USD", WEEK.starts_at)
        later = leaderboard(db, WEEK, "closer", "booked_calls", "USD", WEEK.ends_at)
    assert [line.is_new for line in (*early, *later)] == [False, False]


def test_of_an_unfinished_period_the_arrow_compares_what_has_passed_with_as_much_of_the_other(org):
    """Bo's bookings to come are in his figure and not in his arrow."""
    with as_system(org) as db:
        ana, bo, cy = (make.closer(db, org, name) for name in ("Ana", "Bo", "Cy"))
        calls(db, org, ana, 2, BEFORE)
        calls(db, org, bo, 1, BEFORE)
        calls(db, org, bo, 9, BEFORE + timedelta(days=5))
        calls(db, org, ana, 2)
        calls(db, org, bo, 1)
        calls(db, org, bo, 4, NOON + timedelta(days=5))
        calls(db, org, cy, 3, NOON + timedelta(days=5))
    with as_board(make.viewer(org).user_id, org) as db:
        at = NOON + timedelta(days=1)
        made = table(leaderboard(db, WEEK, "closer", "booked_calls", "USD", at))
    places = [(row.rank, row.name, row.change) for row in made.fillna({"change": 99}).itertuples()]
    assert places == [(1, "Bo", 0), (2, "Cy", 99), (3, "Ana", 0)]


def test_three_of_four_is_no_medal_beside_somebody_with_enough_calls(org):
    with as_system(org) as db:
        shown(db, org, make.closer(db, org, "Ana"), 3, 1)
        shown(
            db, org, make.closer(db, org, "Bo"), SMALL_SAMPLE // 2, SMALL_SAMPLE - SMALL_SAMPLE // 2
        )
    made = board(org, metric="show_rate")
    assert [(row.name, row.sample, row.small) for row in made.itertuples()] == [
        ("Bo", SMALL_SAMPLE, False),
        ("Ana", 4, True),
    ]


def test_fewer_is_better_where_the_catalogue_says_so(org):
    with as_system(org) as db:
        for name, count in (("Ana", 3), ("Bo", 1)):
            calls(
                db,
                org,
                make.closer(db, org, name),
                count,
                call_status="no_show",
                event_outcome="no_show",
            )
    assert list(board(org, metric="no_shows")["name"]) == ["Bo", "Ana"]


def test_money_is_ranked_in_one_currency_and_never_mixed(org):
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana"), make.closer(db, org, "Bo")
        make.payment(db, org, "10.00", closer_id=ana.id)
        make.payment(db, org, "9.00", closer_id=bo.id, refund_amount=Decimal("8.00"))
        make.payment(db, org, "5000", currency="JPY", closer_id=bo.id)
    assert list(
        zip(*board(org, metric="cash_collected")[["name", "value"]].values.T, strict=True)
    ) == [("Ana", 10.0), ("Bo", 9.0)]
    assert list(board(org, metric="net_revenue")["value"]) == [10.0, 1.0]
    assert list(board(org, metric="cash_collected", currency="JPY")["name"]) == ["Bo", "Ana"]


@pytest.mark.parametrize("metric", ["cash_collected", "net_revenue"])
def test_whoever_has_bookings_and_no_cash_stands_last_on_the_board_of_cash(org, metric):
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana"), make.closer(db, org, "Bo")
        calls(db, org, ana, 2)
        make.payment(db, org, "9.00", closer_id=bo.id)
    made = board(org, metric=metric)
    assert [(row.name, row.value) for row in made.itertuples()] == [("Bo", 9.0), ("Ana", 0.0)]
    assert list(board(org)["name"]) == ["Ana", "Bo"]


def test_calls_of_nobody_are_on_no_board_and_an_empty_board_keeps_its_columns(org):
    with as_system(org) as db:
        calls(db, org, None, 3)
    made = board(org)
    assert made.empty
    assert list(made.columns) == [
        "rank",
        "change",
        "is_new",
        "name",
        "value",
        "sample",
        "small",
        "id",
    ]


def test_a_rep_sees_colleagues_on_the_board_but_not_where_the_organisation_hides_it():
    hidden = make.organization(leaderboards_visible=False)
    for org in (make.organization(), hidden):
        rep = make.viewer(org, "sales_rep")
        with as_system(org) as db:
            calls(db, org, make.closer(db, org, "Ana"), 1)
        if org != hidden:
            assert list(board(rep)["name"]) == ["Ana"]
            continue
        with pytest.raises(NotAllowed):
            board(rep)
        assert list(board(make.viewer(org, "manager"))["name"]) == ["Ana"]


@pytest.mark.parametrize(("who", "metric"), [("source", "closes"), ("closer", "nonsense")])
def test_what_cannot_be_ranked_is_refused(org, who, metric):
    with pytest.raises(InvalidInput, match="Choose closers or setters"):
        board(org, who=who, metric=metric)


def test_every_figure_on_offer_exists():
    assert set(BOARD) <= set(METRICS)
