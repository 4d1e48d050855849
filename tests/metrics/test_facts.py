"""Facts, dimensions and figures are declared once, and each new one is its own."""

import pickle
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from pydantic import create_model

from core.metrics.catalog import METRICS
from core.metrics.dimensions import DIMENSIONS, WEEKDAY
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.filters import Filters
from core.metrics.kinds import Count, Percentile, Sum
from core.metrics.query import Grouping
from core.metrics.schemas import keys_of
from core.metrics.table import metrics_table, metrics_tables, totals
from core.metrics.units import COUNT, HOURS, MONEY, NUMBER, RATE
from core.platform.clock import Period
from core.platform.database import as_system
from tests import factories as make
from tests.factories import NOON
from tests.metrics.oracle import Asked

CANCELED = Count(
    key="bookings_canceled",
    name="Bookings cancelled",
    decision="Leads",
    formula="Bookings by the instant at which they were called off",
    fact=replace(EVENTS, key="cancellations", instant="events.canceled_at"),
    condition="events.call_status = 'canceled'",
)
FAILED = replace(PAYMENTS, key="failures", condition="payments.status = 'failed'")
LOST = Sum(
    key="lost",
    name="Lost",
    decision="Leads",
    formula="Failed payments",
    unit=MONEY,
    fact=FAILED,
    value="payments.amount",
)


def test_two_facts_over_one_table_are_counted_each_by_its_own_rules(history):
    figures = ("booked_calls", CANCELED, "cash_collected", LOST)
    with history.viewers["admin"].transaction() as db:
        together = totals(db, history.period, only=figures)
        alone = [totals(db, history.period, only=[each]) for each in figures]
    assert together == {key: value for each in alone for key, value in each.items()}
    assert together["lost"] != together["cash_collected"]
    assert 0 < together["bookings_canceled"] < together["booked_calls"]


def test_a_fact_brings_the_parameters_of_its_conditions():
    notice = "(select late_cancel_hours from app.booking_settings)"
    fact = replace(EVENTS, key="notices", parameters={"notice": notice})
    late = replace(
        CANCELED,
        fact=fact,
        condition="events.canceled_at > events.scheduled_at - make_interval(hours => :notice)",
    )
    org = make.organization(timezone="UTC", late_cancel_hours=5)
    with as_system(org) as db:
        for hours in (1, 4, 6):
            make.event(db, org, call_status="canceled", canceled_at=NOON - timedelta(hours=hours))
    with make.viewer(org).transaction() as db:
        day = Period(NOON.date(), NOON.date() + timedelta(days=1), "UTC")
        figures = totals(db, day, only=("overdue_pcfs", late))
        again = totals(db, day, only=(late,))
        other = replace(late, fact=replace(fact, parameters={"grace": notice}))
        with pytest.raises(ValueError, match="by the parameter “grace”"):
            totals(db, day, only=("overdue_pcfs", other))
    assert (figures["overdue_pcfs"], figures[late.key], again[late.key]) == (0, 2, 2)


def test_two_different_declarations_of_one_key_are_refused(history):
    twin = replace(CANCELED, fact=replace(EVENTS, instant="events.canceled_at"))
    namesake = replace(METRICS["booked_calls"], condition="true")
    with history.viewers["admin"].transaction() as db:
        for figures, key in ((("booked_calls", twin), "events"), ((*METRICS, namesake), None)):
            with pytest.raises(ValueError, match=f"the key “{key or namesake.key}”"):
                totals(db, history.period, only=figures)


@pytest.mark.parametrize("each", [*DIMENSIONS.values(), WEEKDAY], ids=lambda each: each.key)
def test_a_dimension_is_described_as_what_its_rows_hold(history, each):
    described = create_model(
        "Described", **{name: (kind, ...) for name, kind in keys_of(each).items()}
    )
    with history.viewers["admin"].transaction() as db:
        figures = metrics_table(db, history.period, (each,), only=["booked_calls", "payments"])
    rows = [figures.named(row) for row in figures.rows]
    assert rows == [described.model_validate(row, strict=True).model_dump() for row in rows]


WAIT = {
    "name": "Waiting time",
    "formula": "From booking to meeting",
    "decision": "Booking lead time",
    "fact": EVENTS,
    "value": "events.scheduled_at - events.booked_at",
    "condition": "events.call_status <> 'rescheduled'",
    "unit": HOURS,
}
MEDIAN, P90 = (Percentile(key=f"p{share}_wait", share=share / 100, **WAIT) for share in (50, 90))
RATIO = Percentile(
    key="p75_left",
    name="What is left",
    decision="Leads",
    formula="Net revenue ÷ amount",
    fact=PAYMENTS,
    value="payments.net_revenue / nullif(payments.amount, 0)",
    share=0.75,
    unit=NUMBER,
)


def percentile(share, values):
    """Between the two of the sorted values that lie around the place, in a straight line."""
    if not values:
        return None
    place, ordered = (len(values) - 1) * share, sorted(values)
    lower = int(place)
    upper = min(lower + 1, len(values) - 1)
    return pytest.approx(ordered[lower] + (ordered[upper] - ordered[lower]) * (place - lower))


def waits_of(oracle, history, **chosen):
    """The hours from booking to meeting by closer, with those of nobody under None."""
    found = defaultdict(list)
    wanted = Asked(history.period, history.at, chosen=chosen)
    for row in oracle.events.values():
        stands = row["deleted_at"] is None and row["call_status"] != "rescheduled"
        if stands and oracle._asked_for(row, row["scheduled_at"], wanted):
            hours = (row["scheduled_at"] - row["booked_at"]) / timedelta(hours=1)
            found[row["closer_id"]].append(hours)
    return found


def test_a_percentile_of_a_group_is_that_of_its_rows_and_of_the_whole_that_of_all(history, oracle):
    with history.viewers["admin"].transaction() as db:
        alone = metrics_table(db, history.period, ("closer",), at=history.at, only=[MEDIAN, P90])
        wanted = ["cash_collected", MEDIAN, "leads", P90, RATIO]
        groupings = (Grouping(("day",), wanted), Grouping(("closer",), wanted))
        beside = metrics_tables(db, history.period, groupings, at=history.at)[1]
    waits = waits_of(oracle, history)
    everybody = [hours for theirs in waits.values() for hours in theirs]
    assert len(waits) > 2
    for metric in (MEDIAN, P90):
        for figures in (alone, beside):
            assert figures.totals[metric.key] == percentile(metric.share, everybody)
            for row in figures.rows:
                theirs = waits[row.keys["closer"].id]
                assert row.values[metric.key] == percentile(metric.share, theirs)
    assert {row.keys["closer"].id for row in alone.rows} >= set(waits)


def test_a_percentile_is_one_of_all_currencies_and_leaves_money_as_it_is(history, oracle):
    figures = ("cash_collected", "payments", RATIO)
    with history.viewers["admin"].transaction() as db:
        beside = metrics_table(db, history.period, ("source",), at=history.at, only=figures)
        without = metrics_table(db, history.period, ("source",), at=history.at, only=figures[:2])
    wanted = Asked(history.period, history.at)
    left = [
        float((row["amount"] - oracle._refunded(row)) / row["amount"])
        for row in oracle.payments
        if oracle._counts(row)
        and row["amount"]
        and oracle._asked_for(row, row["payment_date"], wanted)
    ]
    assert beside.totals[RATIO.key] == percentile(RATIO.share, left)
    money = [{key: row.values[key] for key in figures[:2]} for row in beside.rows]
    assert money == [dict(row.values) for row in without.rows]
    assert {key: beside.totals[key] for key in figures[:2]} == without.totals


def test_a_percentile_follows_filters_and_is_missing_without_rows(history, oracle):
    ids = tuple(history.lists["closer_id"][:1])
    with history.viewers["admin"].transaction() as db:
        one = totals(db, history.period, Filters({"closer": ids}), at=history.at, only=[P90])
        earlier = Period(date(2020, 1, 1), date(2020, 2, 1), history.timezone)
        none = metrics_table(db, earlier, ("day",), at=history.at, only=[P90, "cash_collected"])
    (waits,) = waits_of(oracle, history, closer_id=ids).values()
    assert one == {P90.key: percentile(0.9, waits)}
    assert (none.rows, none.totals) == ([], {P90.key: None, "cash_collected": {}})


@pytest.mark.parametrize(
    ("share", "unit"), [(0.5, MONEY), (0.5, COUNT), (0, HOURS), (1, HOURS), (50, HOURS)]
)
def test_a_percentile_of_money_or_of_no_share_is_refused(share, unit):
    with pytest.raises(ValueError, match="is no percentile"):
        replace(MEDIAN, share=share, unit=unit)


def test_a_sum_is_in_the_unit_that_it_declares(history, oracle):
    numbers = Sum(
        key="letters",
        name="Letters",
        decision="Leads",
        formula="Letters of the outcomes",
        fact=EVENTS,
        value="length(events.event_outcome)",
        unit=NUMBER,
    )
    counted = replace(numbers, key="whole_letters", unit=COUNT)
    with history.viewers["admin"].transaction() as db:
        figures = metrics_table(db, history.period, at=history.at, only=[numbers, counted])
    wanted = Asked(history.period, history.at)
    letters = sum(
        len(row["event_outcome"] or "")
        for row in oracle.events.values()
        if row["deleted_at"] is None and oracle._asked_for(row, row["scheduled_at"], wanted)
    )
    assert figures.totals == {"letters": float(letters), "whole_letters": letters}
    assert figures.frame()["whole_letters"].dtype == "int64"


def test_a_change_from_below_nothing_goes_up_when_the_figure_does():
    after, before = {"USD": Decimal(50)}, {"USD": Decimal(-100)}
    assert MONEY.moved(after, before, "USD") == 150
    assert MONEY.moved(before, after, "USD") == -300


@pytest.mark.parametrize("unit", [NUMBER, COUNT, RATE, MONEY, HOURS], ids=lambda unit: unit.name)
def test_a_unit_that_was_stored_is_the_same_when_it_is_read(unit):
    assert pickle.loads(pickle.dumps(unit)) is unit
