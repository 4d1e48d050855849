"""Figures over HTTP: every metric, every dimension and pair, in the units that are promised."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

import pytest

from core.bookings.models import Package, PostCallForm
from core.metrics.catalog import METRICS
from core.metrics.dimensions import DIMENSIONS
from core.metrics.units import COUNT, HOURS, MONEY, RATE
from core.people.models import TrafficType
from core.platform.database import as_system
from tests import factories as make
from tests.api.client import get, key_of, refused

THEN = datetime(2024, 11, 6, 12, tzinfo=UTC)
NOVEMBER = {"start": "2024-11-01", "end": "2024-12-01"}
PROMISED = {
    "booked_calls",
    "shows",
    "no_shows",
    "show_rate",
    "coverage",
    "offers",
    "offer_rate",
    "closes",
    "close_rate",
    "cash_collected",
    "refunds",
    "net_revenue",
    "cash_per_booked_call",
    "cash_per_show",
    "average_deal_size",
    "pending_pcfs",
    "overdue_pcfs",
    "pcf_compliance",
    "cancellation_rate",
    "reschedule_rate",
    "booking_lead_time",
}
PROMISED_DIMENSIONS = {
    "day",
    "week",
    "month",
    "closer",
    "setter",
    "source",
    "traffic_type",
    "call_type",
    "outcome",
    "package",
}
BY = [*combinations(sorted(PROMISED_DIMENSIONS), 1), *combinations(sorted(PROMISED_DIMENSIONS), 2)]


def november(org):
    """Six events of two closers, one of them rescheduled and one cancelled, and four payments in
    three currencies.
    """
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana"), make.closer(db, org, "Bo")
        sam, webinar = make.setter(db, org, "Sam"), make.source(db, org, "Webinar")
        paid = TrafficType(organization_id=org, name="Paid")
        gold = Package(organization_id=org, name="Gold")
        db.add_all([paid, gold])
        db.flush()
        held = {"call_status": "completed", "pcf_submitted": True}
        closed = make.event(
            db,
            org,
            ana,
            set_by=sam,
            at=THEN,
            source_id=webinar.id,
            traffic_type_id=paid.id,
            event_outcome="closed",
            pcf_submitted_at=THEN + timedelta(hours=1),
            **held,
        )
        make.event(
            db,
            org,
            ana,
            set_by=sam,
            at=THEN,
            event_outcome="offer_made",
            pcf_submitted_at=THEN + timedelta(hours=30),
            **held,
        )
        make.event(
            db,
            org,
            bo,
            at=THEN,
            event_outcome="no_show",
            call_status="no_show",
            pcf_submitted=True,
            pcf_submitted_at=THEN,
        )
        make.event(db, org, bo, at=THEN + timedelta(days=1), booked_at=THEN)
        make.event(db, org, at=THEN, call_status="canceled")
        make.event(db, org, bo, at=THEN, call_status="rescheduled")
        db.add(
            PostCallForm(
                organization_id=org,
                event_id=closed.id,
                package_id=gold.id,
                call_occurred=True,
                lead_showed=True,
                offer_made=True,
                deal_closed=True,
            )
        )
        for amount, refunded, currency in (
            ("4997", "97", "USD"),
            ("3", "0", "USD"),
            ("500", "0", "JPY"),
            ("5.125", "0", "KWD"),
        ):
            make.payment(
                db,
                org,
                amount,
                currency=currency,
                at=THEN,
                refund_amount=Decimal(refunded),
                event_id=closed.id,
                closer_id=ana.id,
                setter_id=sam.id,
                source_id=webinar.id,
                traffic_type_id=paid.id,
            )


@pytest.fixture(scope="module")
def org():
    made = make.organization()
    november(made)
    return made


@pytest.fixture(scope="module")
def key(org):
    return key_of(org)


def metrics(key, **params):
    answer = get("/api/metrics", key, **(NOVEMBER | params))
    assert answer.status_code == 200
    return answer.json()


BY_HAND = {
    "booked_calls": 5,
    "due": 4,
    "completed": 2,
    "shows": 2,
    "no_shows": 1,
    "show_rate": 2 / 3,
    "confirmed": 3,
    "coverage": 3 / 4,
    "offers": 2,
    "offer_rate": 1.0,
    "closes": 1,
    "close_rate": 1 / 2,
    "payments": 4,
    "cash_collected": {"JPY": "500", "KWD": "5.125", "USD": "5000.00"},
    "refunds": {"JPY": "0", "KWD": "0.000", "USD": "97.00"},
    "net_revenue": {"JPY": "500", "KWD": "5.125", "USD": "4903.00"},
    "cash_per_booked_call": {"JPY": "100", "KWD": "1.025", "USD": "1000.00"},
    "cash_per_show": {"JPY": "250", "KWD": "2.563", "USD": "2500.00"},
    "average_deal_size": {"JPY": "500", "KWD": "5.125", "USD": "5000.00"},
    "pending_pcfs": 1,
    "overdue_pcfs": 1,
    "pcfs_due": 4,
    "pcfs_on_time": 2,
    "pcf_compliance": 1 / 2,
    "canceled": 1,
    "cancellation_rate": 1 / 5,
    "late_cancellations": 0,
    "rescheduled": 1,
    "reschedule_rate": 1 / 6,
    "booking_lead_time": (4 * 48 + 24) / 5,
    "leads": 0,
    "leads_booked": 0,
    "booking_share": None,
}


def test_the_figures_of_a_month_are_as_counted_by_hand(key):
    answer = metrics(key)
    totals = answer.pop("totals")
    assert answer == {
        "period": {"start": "2024-11-01", "end": "2024-12-01"},
        "timezone": "Europe/Copenhagen",
        "currency": "USD",
        "rows": [],
    }
    assert set(totals) == set(METRICS)
    assert {name: totals[name] for name in BY_HAND} == BY_HAND


def test_the_words_of_the_contract_are_there():
    assert set(METRICS) >= PROMISED
    assert set(DIMENSIONS) == PROMISED_DIMENSIONS


def test_an_empty_period_has_counts_of_zero_rates_of_nothing_and_no_money(key):
    units = {COUNT: 0, RATE: None, HOURS: None, MONEY: {}}
    expected = {name: units[metric.unit] for name, metric in METRICS.items()}
    assert metrics(key, start="2020-01-01", end="2020-02-01")["totals"] == expected
    assert metrics(key, start="2020-01-01", end="2020-02-01", by="closer")["rows"] == []


@pytest.mark.parametrize("by", BY, ids=",".join)
def test_rows_carry_their_dimensions_and_add_up_to_the_totals(key, by):
    found = metrics(key, by=",".join(by))
    assert found["rows"]
    for row in found["rows"]:
        assert set(by) <= set(row)
        assert set(METRICS) <= set(row)
    for name, metric in METRICS.items():
        if metric.unit is COUNT:
            assert sum(row[name] for row in found["rows"]) == found["totals"][name]
    for name in ("cash_collected", "refunds", "net_revenue"):
        for currency, total in found["totals"][name].items():
            assert sum(Decimal(row[name].get(currency, 0)) for row in found["rows"]) == Decimal(
                total
            )


def test_a_row_is_named_by_its_dimension_and_null_for_none(key):
    rows = metrics(key, by="closer,day", metrics="booked_calls,cash_collected")["rows"]
    shown = {
        (row["closer"], row["day"]): (row["booked_calls"], row["cash_collected"].get("USD"))
        for row in rows
    }
    assert shown == {
        ("Ana", "2024-11-06"): (2, "5000.00"),
        ("Bo", "2024-11-06"): (1, None),
        ("Bo", "2024-11-07"): (1, None),
        (None, "2024-11-06"): (1, None),
    }
    assert {tuple(row) for row in rows} == {
        ("closer", "closer_id", "day", "booked_calls", "cash_collected")
    }


@pytest.mark.parametrize(
    ("by", "first"),
    [("day", "2024-11-06"), ("week", "2024-11-04"), ("month", "2024-11-01"), ("outcome", "closed")],
)
def test_a_time_is_named_by_its_first_day(key, by, first):
    assert first in [row[by] for row in metrics(key, by=by)["rows"]]


def test_a_day_is_the_organisations_and_the_end_is_exclusive():
    org = make.organization(timezone="America/New_York")
    with as_system(org) as db:
        for at in (datetime(2026, 11, 4, 5, tzinfo=UTC), datetime(2026, 11, 5, 4, 59, tzinfo=UTC)):
            make.event(db, org, at=at)
            make.payment(db, org, "1", at=at)
        for at in (datetime(2026, 11, 4, 4, 59, tzinfo=UTC), datetime(2026, 11, 5, 5, tzinfo=UTC)):
            make.event(db, org, at=at)
            make.payment(db, org, "10", at=at)
    one_day = metrics(
        key_of(org),
        start="2026-11-04",
        end="2026-11-05",
        by="day",
        metrics="booked_calls,cash_collected",
    )
    figures = {"booked_calls": 2, "cash_collected": {"USD": "2.00"}}
    assert one_day == {
        "period": {"start": "2026-11-04", "end": "2026-11-05"},
        "timezone": "America/New_York",
        "currency": "USD",
        "rows": [{"day": "2026-11-04"} | figures],
        "totals": figures,
    }


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_clocks_change_is_shorter_or_longer(day, hours):
    org = make.organization()
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=2)
    with as_system(org) as db:
        for hour in range(30):
            make.event(db, org, at=start + timedelta(hours=hour))
    [row] = [
        row
        for row in metrics(key_of(org), start="2026-03-01", end="2026-11-01", by="day")["rows"]
        if row["day"] == day
    ]
    assert row["booked_calls"] == hours


@pytest.mark.parametrize(
    ("params", "booked"),
    [
        ({"filter.closer": "Ana"}, 2),
        ({"filter.closer": "ana"}, 2),
        ({"filter.setter": "Sam"}, 2),
        ({"filter.source": "Webinar"}, 1),
        ({"filter.traffic_type": "Paid"}, 1),
        ({"filter.closer": "Bo", "filter.setter": "Sam"}, 0),
        ({"filter.closer": ["Ana", "Bo"]}, 4),
        ({"filter.outcome": "closed"}, 1),
        ({"filter.outcome": ["closed", "no_show"], "filter.closer": "Ana"}, 1),
        ({"filter.package": "Gold"}, 1),
    ],
)
def test_filters_narrow_by_name_rows_and_totals_alike(key, params, booked):
    found = metrics(key, by="closer", **params)
    assert (
        found["totals"]["booked_calls"]
        == sum(row["booked_calls"] for row in found["rows"])
        == booked
    )


def test_filters_take_ids_too(key):
    [ana] = [
        row["closer_id"] for row in metrics(key, by="closer")["rows"] if row["closer"] == "Ana"
    ]
    assert metrics(key, **{"filter.closer": ana})["totals"]["booked_calls"] == 2


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"start": None}, "start"),
        ({"end": None}, "end"),
        ({"start": "today"}, "start"),
        ({"end": "2024-11-31"}, "end"),
        ({"end": "2024-11-01"}, "end"),
        ({"end": "2024-10-01"}, "end"),
        ({"start": "0001-01-01"}, "start"),
        ({"end": "9999-12-31"}, "start"),
        ({"start": "2026-11-01T00:00:00Z"}, "start"),
        ({"by": "shoe_size"}, "by"),
        ({"by": "closer,closer"}, "by"),
        ({"by": "day,week,month,closer"}, "by"),
        ({"by": "closer;drop table app.events"}, "by"),
        ({"metrics": "shows,luck"}, "metrics"),
        ({"filter.weather": "rain"}, "filter.weather"),
        ({"filter.closer": "Nobody"}, "filter.closer"),
        ({"filter.closer": "\0"}, "filter.closer"),
        ({"filter.package": "Nothing"}, "filter.package"),
        ({"filter.outcome": "luck"}, "filter.outcome"),
        ({"filter.": "x"}, "filter."),
    ],
)
def test_what_cannot_be_asked_names_its_field(key, params, field):
    asked = {name: value for name, value in (NOVEMBER | params).items() if value is not None}
    assert refused(get("/api/metrics", key, **asked)) == (422, "invalid_input", field)
