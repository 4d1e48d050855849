"""The rows behind a figure add up to it: in total, for every member of every list and for every
day, for every viewer.
"""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from core.bookings.queries import EventFilter, count_events, events_table
from core.metrics.catalog import METRICS, Count
from core.metrics.drill import matching
from core.metrics.facts import EVENTS, LEADS
from core.metrics.filters import Filters
from core.metrics.table import metrics_table, totals
from core.money.queries import PaymentFilter, payment_sums, payments_table
from core.people.queries import LeadFilter, count_leads, leads_table
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from tests import factories as make
from tests.crossed import crossed
from tests.metrics.conftest import AT_NIGHT
from tests.metrics.history import CHANGES

LISTS = ("closer", "setter", "source", "traffic_type", "call_type")
EVERYTHING = 10_000
MONEY = ("cash_collected", "refunds", "net_revenue")
CONDITIONS = [
    key for key, metric in METRICS.items() if isinstance(metric, Count) and metric.fact is EVENTS
]


def parts(history, figures, by):
    """Each group's figures, with the period and the filter of the drill into it."""
    for row in figures.frame().to_dict("records"):
        if by == "day":
            yield row, Period(row["day"], row["day"] + timedelta(days=1), history.timezone), {}
        elif row[f"{by}_id"] is not None:
            yield row, history.period, {f"{by}_id": [row[f"{by}_id"]]}


@pytest.mark.parametrize(
    ("history", "role", "by"),
    crossed(CHANGES, ["admin", "sales_rep"], [*LISTS, "day"], at_night=AT_NIGHT),
    indirect=["history"],
)
def test_each_groups_calls_add_up_to_each_count(history, role, by):
    with history.viewers[role].transaction() as db:
        figures = metrics_table(db, history.period, (by,))
        for metric in CONDITIONS:
            counted = {
                key: (
                    int(row[metric]),
                    count_events(
                        db,
                        EventFilter(period=period, ids=ids, condition=matching(db, EVENTS, metric)),
                    ),
                )
                for key, (row, period, ids) in enumerate(parts(history, figures, by))
            }
            assert {key: figure for key, (figure, _) in counted.items()} == {
                key: rows for key, (_, rows) in counted.items()
            }
            assert counted


@pytest.mark.parametrize(
    ("history", "role", "metric"),
    crossed(CHANGES, ["admin", "viewer", "sales_rep"], list(CONDITIONS), at_night=AT_NIGHT),
    indirect=["history"],
)
def test_a_figures_rows_are_listed_and_are_as_many_as_it_says(history, role, metric):
    with history.viewers[role].transaction() as db:
        rows = events_table(
            db,
            EventFilter(period=history.period, condition=matching(db, EVENTS, metric)),
            limit=EVERYTHING,
        )
        figure = totals(db, history.period)[metric]
    assert len(set(rows["id"])) == len(rows) == figure


@pytest.mark.parametrize(
    ("history", "role", "by"),
    crossed(CHANGES, ["admin", "sales_rep"], [*LISTS, "day"], at_night=AT_NIGHT),
    indirect=["history"],
)
def test_each_groups_payments_add_up_to_its_cash_refunds_and_net_revenue(history, role, by):
    with history.viewers[role].transaction() as db:
        for row, period, ids in parts(history, metrics_table(db, history.period, (by,)), by):
            chosen = PaymentFilter(period=period, ids=ids, counting_only=True)
            listed = payments_table(db, chosen, limit=EVERYTHING)
            sums = {name: defaultdict(Decimal) for name in MONEY}
            for payment in listed.to_dict("records"):
                for name, column in zip(
                    MONEY, ("amount", "refund_amount", "net_revenue"), strict=True
                ):
                    sums[name][payment["currency"]] += payment[column]
            assert {name: row[name] for name in MONEY} == sums
            assert row["payments"] == len(listed)
            said = payment_sums(db, PaymentFilter(period=period, ids=ids))
            assert {currency: (cash, net) for currency, (_, cash, net) in said.items()} == {
                currency: (cash, row["net_revenue"][currency])
                for currency, cash in row["cash_collected"].items()
            }


def test_what_waits_for_its_time_is_judged_by_now_in_the_figure_and_in_its_rows():
    org = make.organization(timezone="UTC", pcf_grace_hours=24)
    admin, day = make.viewer(org), today("UTC")
    with as_system(org) as db:
        for hours in (-30, -1, 1):
            make.event(db, org, at=now() + timedelta(hours=hours))
    with admin.transaction() as db:
        period = Period(day - timedelta(days=3), day + timedelta(days=3), "UTC")
        figures = totals(db, period)
        for metric, expected in {
            "booked_calls": 3,
            "due": 2,
            "pending_pcfs": 2,
            "overdue_pcfs": 1,
            "pcfs_due": 1,
        }.items():
            rows = count_events(
                db, EventFilter(period=period, condition=matching(db, EVENTS, metric))
            )
            assert (metric, figures[metric], rows) == (metric, expected, expected)


def test_a_figure_that_counts_no_calls_has_no_calls_to_show(history):
    with history.viewers["admin"].transaction() as db:
        assert {
            metric for metric in [*METRICS, "nonsense"] if matching(db, EVENTS, metric) is None
        } == {
            *METRICS,
            "nonsense",
        } - set(CONDITIONS)


@pytest.mark.parametrize(
    ("history", "role", "by"),
    crossed(
        CHANGES,
        ["admin", "sales_rep"],
        ["closer", "source", "traffic_type", "call_type", "day"],
        at_night=AT_NIGHT,
    ),
    indirect=["history"],
)
def test_each_groups_leads_are_as_many_as_its_figures_say(history, role, by):
    with history.viewers[role].transaction() as db:
        figures = metrics_table(db, history.period, (by,))
        for row, period, ids in parts(history, figures, by):
            narrowed = Filters({column.removesuffix("_id"): ids[column] for column in ids})
            for metric in ("leads", "leads_booked"):
                chosen = LeadFilter(period, condition=matching(db, LEADS, metric, narrowed))
                listed = leads_table(db, chosen, limit=EVERYTHING)
                assert row[metric] == count_leads(db, chosen) == len(set(listed["id"]))


def test_a_list_that_a_fact_lacks_leaves_none_of_its_rows(history):
    chosen = Filters({"call_type": history.lists["call_type_id"][:1]})
    with history.viewers["admin"].transaction() as db:
        figures = totals(db, history.period, chosen)
        rows = LeadFilter(history.period, condition=matching(db, LEADS, "leads", chosen))
        assert (figures["leads"], figures["booking_share"], count_leads(db, rows)) == (0, None, 0)
        assert figures["booked_calls"] > 0
        alone = metrics_table(db, history.period, ("call_type",), only=["leads"])
        everything = totals(db, history.period, only=["leads"])
        assert [(row.keys["call_type"].id, row.values) for row in alone.rows] == [
            (None, everything)
        ]
