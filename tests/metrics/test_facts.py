"""Facts, dimensions and figures are declared once, and each new one is its own."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import create_model

from core.metrics.catalog import METRICS, Count, Sum
from core.metrics.dimensions import DIMENSIONS, WEEKDAY
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.schemas import keys_of
from core.metrics.table import metrics_table, totals
from core.platform.clock import Period
from core.platform.database import as_system
from tests import factories as make
from tests.factories import NOON

CANCELED = Count(
    key="bookings_canceled",
    name="Bookings cancelled",
    formula="Bookings by the instant at which they were called off",
    fact=replace(EVENTS, key="cancellations", instant="events.canceled_at"),
    condition="events.call_status = 'canceled'",
)
FAILED = replace(PAYMENTS, key="failures", condition="payments.status = 'failed'")
LOST = Sum(
    key="lost",
    name="Lost",
    formula="Failed payments",
    unit="money",
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
