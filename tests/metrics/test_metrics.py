"""Every figure, by every dimension and for every kind of viewer, equals what the oracle
computes.
"""

from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import text

from core.bookings.form_answers import FormAnswers
from core.bookings.models import Package
from core.metrics.catalog import EXPLAINED, METRICS, parts_of
from core.metrics.dimensions import DIMENSIONS, FILTERS
from core.metrics.filters import Filters
from core.metrics.kinds import PerCount
from core.metrics.table import metrics_table, totals
from core.metrics.units import COUNT, HOURS, MONEY, RATE
from core.money.form_filing import file_form
from core.platform.clock import Period
from core.platform.database import as_system
from tests import factories as make
from tests.crossed import crossed
from tests.metrics.conftest import AT_NIGHT
from tests.metrics.history import CHANGES
from tests.metrics.oracle import Asked

PAIRS = [*combinations(("day", "closer", "outcome", "package"), 2), ("month", "setter", "source")]
GROUPS = [(), *((key,) for key in DIMENSIONS), *PAIRS]


def asked(history, role="admin", **chosen):
    rep = history.viewers[role].user_id if role == "sales_rep" else None
    return Asked(history.period, history.at, rep, chosen)


def narrowed(**chosen):
    """The filters of these columns."""
    return Filters({column.removesuffix("_id"): ids for column, ids in chosen.items()})


def reckoned(oracle, by, wanted):
    """The oracle's figures in the form of the table, in any order."""
    return {
        key: row | {"booking_lead_time": pytest.approx(row["booking_lead_time"])}
        for key, row in oracle.figures(by, wanted).items()
    }


def table_of(history, by, role="admin", **chosen):
    with history.viewers[role].transaction() as db:
        frame = metrics_table(db, history.period, by, narrowed(**chosen), at=history.at).frame()
    keys = [f"{key}_id" if DIMENSIONS[key].names else key for key in by]
    rows = frame.to_dict("records")
    made = {tuple(row[key] for key in keys): {key: row[key] for key in METRICS} for row in rows}
    assert len(made) == len(rows)
    return made, frame


@pytest.mark.parametrize(
    ("history", "role", "by"),
    crossed(CHANGES, ["admin", "manager", "viewer", "sales_rep"], GROUPS, at_night=AT_NIGHT),
    indirect=["history"],
)
def test_every_figure_is_what_the_specification_says(history, oracle, role, by):
    assert table_of(history, by, role)[0] == reckoned(oracle, by, asked(history, role))


@pytest.mark.parametrize(
    "column", ["closer_id", "setter_id", "source_id", "traffic_type_id", "call_type_id"]
)
def test_a_filter_leaves_exactly_its_rows(history, oracle, column):
    for ids in (history.lists[column][:1], history.lists[column][:2]):
        for by in ((), ("week",), ("package",)):
            chosen = {column: tuple(ids)}
            assert table_of(history, by, **chosen)[0] == reckoned(
                oracle, by, asked(history, **chosen)
            )


@pytest.mark.parametrize("key", FILTERS)
def test_narrowed_to_one_value_the_whole_is_what_its_group_was(history, key):
    with history.viewers["admin"].transaction() as db:
        groups = metrics_table(db, history.period, (key,), at=history.at)
        for row in groups.rows:
            alone = Filters({key: [row.keys[key].id]})
            assert totals(db, history.period, alone, at=history.at) == row.values
    assert len(groups.rows) > 2


def test_filters_narrow_each_other(history, oracle):
    chosen = {
        "closer_id": tuple(history.lists["closer_id"][:3]),
        "source_id": tuple(history.lists["source_id"][:2]),
    }
    for role in ("admin", "sales_rep"):
        assert table_of(history, ("day",), role, **chosen)[0] == reckoned(
            oracle, ("day",), asked(history, role, **chosen)
        )


@pytest.mark.parametrize("key", ["package", "outcome"])
def test_what_is_chosen_by_how_bookings_went_has_sums_and_no_rates(key):
    org = make.organization()
    month = Period(date(2026, 11, 1), date(2026, 12, 1), "UTC")
    asked = ("closes", "close_rate", "show_rate", "cash_per_show", "average_deal_size")
    with as_system(org) as db:
        core = Package(organization_id=org, name="Core")
        db.add(core)
        states = {"call_status": "completed", "pcf_submitted": True}
        sold = make.event(db, org, event_outcome="closed", **states)
        make.event(db, org, event_outcome="showed", **states)
        make.event(db, org, call_status="no_show", event_outcome="no_show")
        make.payment(db, org, "100", event_id=sold.id, package_id=core.id)
        value = {"package": core.id, "outcome": "closed"}[key]
        found = metrics_table(db, month, (key,), only=asked)
        narrowed = totals(db, month, Filters({key: (value,)}), only=asked)
    of_one = [1, None, None, None, {"USD": Decimal(100)}]
    assert list(narrowed.values()) == of_one
    rows = {row.keys[key].id: list(row.values.values()) for row in found.rows}
    assert rows[value] == of_one
    assert all(row[1:4] == [None] * 3 for row in rows.values())
    assert found.totals["close_rate"] == 1 / 2


def test_a_close_and_its_cash_are_of_the_package_that_the_processor_names():
    org = make.organization()
    admin = make.viewer(org)
    with as_system(org) as db:
        core, plus = Package(name="Core"), Package(name="Core Plus")
        for each in (core, plus):
            each.organization_id = org
        db.add_all([core, plus])
        event = make.event(db, org, make.closer(db, org))
        db.flush()
        packages = core.id, plus.id
    with admin.transaction() as db:
        answers = FormAnswers(True, True, True, True, package_id=packages[0], payment_type="pif")
        file_form(db, event.id, answers, admin)
    with as_system(org) as db:
        make.payment(db, org, event_id=event.id, package_id=packages[1])
    month = Period(date(2026, 11, 1), date(2026, 12, 1), "UTC")
    with admin.transaction() as db:
        found = metrics_table(db, month, ("package",), only=["closes", "average_deal_size"])
    assert [(row.keys["package"].name, dict(row.values)) for row in found.rows] == [
        ("Core Plus", {"closes": 1, "average_deal_size": {"USD": Decimal(4997)}})
    ]


def test_the_totals_are_the_table_without_dimensions(history, oracle):
    with history.viewers["admin"].transaction() as db:
        figures = totals(db, history.period, at=history.at)
    assert figures == reckoned(oracle, (), asked(history))[()]


@pytest.mark.parametrize("key", [key for key in DIMENSIONS if DIMENSIONS[key].names])
def test_each_row_carries_the_name_of_its_id(history, oracle, key):
    frame = table_of(history, (key,))[1]
    assert [(row[key], row[f"{key}_id"]) for row in frame.to_dict("records")] == [
        (oracle.name(key, each), each) for each in frame[f"{key}_id"]
    ]
    assert None in list(frame[f"{key}_id"])


def test_groups_add_up_to_the_whole(history):
    whole = table_of(history, ())[1].iloc[0]
    counts = [key for key, metric in METRICS.items() if metric.unit is COUNT]
    for key in DIMENSIONS:
        frame = table_of(history, (key,))[1]
        assert {name: int(frame[name].sum()) for name in counts} == {
            name: int(whole[name]) for name in counts
        }
        for currency, cash in whole["cash_collected"].items():
            assert sum(row.get(currency, 0) for row in frame["cash_collected"]) == cash


def test_the_random_rows_reach_every_figure(history, oracle):
    figures = oracle.figures((), asked(history))[()]
    assert set(figures) == set(METRICS)
    assert {key for key, value in figures.items() if not value} == set()


def test_every_figure_leads_to_a_decision_with_its_alternative_and_example():
    decisions = (Path(__file__).parents[2] / "docs/decisions.md").read_text().split("\n## ")[1:]
    headings = {each.partition("\n")[0] for each in decisions}
    explained = [*EXPLAINED.values(), *(part for key in METRICS for part in parts_of(key))]
    assert {metric.decision for metric in explained} <= headings
    for each in decisions:
        assert all(f"**{part}.**" in each for part in ("Choice", "Alternative", "Example")), each


@pytest.mark.parametrize("key", METRICS)
def test_a_figure_asked_for_alone_is_the_same(history, key):
    with history.viewers["admin"].transaction() as db:
        alone = metrics_table(db, history.period, ("closer",), at=history.at, only=[key]).frame()
    everything = table_of(history, ("closer",))[1]
    assert list(alone.columns) == ["closer", "closer_id", key]
    assert_frame_equal(alone, everything[["closer", "closer_id", key]])


def test_a_period_without_rows_has_counts_of_nought_and_no_rates(history):
    with history.viewers["admin"].transaction() as db:
        earlier = Period(date(2020, 1, 1), date(2020, 2, 1), history.timezone)
        figures, days = (
            totals(db, earlier, at=history.at),
            metrics_table(db, earlier, ("day",), at=history.at).frame(),
        )
    nothing = {COUNT: 0, RATE: None, MONEY: {}, HOURS: None}
    assert figures == {
        key: None if isinstance(metric, PerCount) else nothing[metric.unit]
        for key, metric in METRICS.items()
    }
    assert days.empty
    assert list(days.columns) == ["day", *METRICS]


def test_a_connection_that_is_kept_plans_each_period_for_itself(history):
    with history.viewers["admin"].transaction() as db:
        for _ in range(12):
            metrics_table(db, history.period, ("day",))
        query = (
            "select custom_plans > 0, generic_plans from pg_prepared_statements where statement"
            " like '%per_currency%'"
        )
        assert set(db.execute(text(query))) == {(True, 0)}
