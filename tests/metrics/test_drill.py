"""The rows behind a figure add up to it: in total, for every member of every list and for every
day, for every viewer and of every fact.
"""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest

from core.bookings.queries import EventFilter, count_events
from core.bookings.status import settle_status
from core.metrics.catalog import FACTS, METRICS
from core.metrics.dimensions import FILTERS
from core.metrics.drill import is_of, matching
from core.metrics.facts import EVENTS, LEADS
from core.metrics.filters import Filters
from core.metrics.kinds import Count, Sum
from core.metrics.table import metrics_table, totals
from core.money.queries import PaymentFilter, payment_sums
from core.people.actions import Person
from core.people.leads import LeadDetails, change_lead, create_lead_of
from core.people.queries import LeadFilter, count_leads
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from core.platform.schema import Base
from tests import factories as make
from tests.crossed import crossed
from tests.metrics.conftest import AT_NIGHT
from tests.metrics.history import CHANGES

EVERYTHING = 10_000
OF_FACT = {key: [name for name in METRICS if is_of(fact, name)] for key, fact in FACTS.items()}
GROUPS = [
    (key, by)
    for key, fact in FACTS.items()
    for by in ("day", *(name for name in FILTERS if name in fact.by))
]


def screen_of(fact):
    """The fact's screen as a part of a function's name."""
    return fact.rows.screen.replace("-", "_")


def rows_of(fact):
    """The query behind the screen of a fact's rows, and the filter that it takes: both stand with
    the fact's table.
    """
    [model] = [each for each in Base.registry.mappers if each.local_table.name == fact.table]
    queries = import_module(f"{model.class_.__module__.rpartition('.')[0]}.queries")
    listed = getattr(queries, f"{screen_of(fact)}_table")
    return queries, listed, getattr(queries, listed.__annotations__["chosen"])


def number_of(db, fact, chosen):
    """The number above the list; where amounts are summed, it stands with the sums."""
    queries, *_ = rows_of(fact)
    if count := getattr(queries, f"count_{screen_of(fact)}", None):
        return count(db, chosen)
    sums = getattr(queries, f"{screen_of(fact).removesuffix('s')}_sums")(db, chosen)
    return sum(count for count, *_ in sums.values())


def behind(db, metric, period, filters=None):
    """What a screen lists behind a figure, as its filter and as rows."""
    fact = METRICS[metric].fact
    _, listed, narrowed = rows_of(fact)
    chosen = narrowed(period=period, condition=matching(db, fact, metric, filters))
    return chosen, listed(db, chosen, limit=EVERYTHING)


def figure_of(metric, rows):
    """The figure that the rows make: their number, or by currency the sum of their amounts."""
    found = METRICS[metric]
    if isinstance(found, Count):
        return len(set(rows["id"]))
    sums = defaultdict(Decimal)
    for row in rows.to_dict("records"):
        sums[row["currency"]] += row[found.value.partition(".")[2]]
    return sums


def parts(history, figures, by):
    """Each group's figures, with the period and the filters of the drill into it."""
    for row in figures.rows:
        key = row.keys[by].id
        if by == "day":
            yield row, Period(key, key + timedelta(days=1), history.timezone), Filters()
        else:
            yield row, history.period, Filters({by: [key]})


@pytest.mark.parametrize(
    ("history", "role", "group"),
    crossed(CHANGES, ["admin", "sales_rep"], GROUPS, at_night=AT_NIGHT),
    indirect=["history"],
)
def test_each_groups_rows_add_up_to_each_figure(history, role, group):
    fact, by = group
    with history.viewers[role].transaction() as db:
        figures = metrics_table(db, history.period, (by,), only=OF_FACT[fact])
        assert figures.rows
        for row, period, filters in parts(history, figures, by):
            listed = {
                metric: figure_of(metric, behind(db, metric, period, filters)[1])
                for metric in OF_FACT[fact]
            }
            assert listed == row.values


@pytest.mark.parametrize(
    ("history", "role", "metric"),
    crossed(
        CHANGES,
        ["admin", "viewer", "sales_rep"],
        [key for keys in OF_FACT.values() for key in keys],
        at_night=AT_NIGHT,
    ),
    indirect=["history"],
)
def test_a_figures_rows_are_listed_and_are_as_many_as_the_list_says(history, role, metric):
    with history.viewers[role].transaction() as db:
        chosen, rows = behind(db, metric, history.period)
        figure = totals(db, history.period, only=[metric])[metric]
        count = number_of(db, METRICS[metric].fact, chosen)
    assert figure_of(metric, rows) == figure
    assert len(set(rows["id"])) == len(rows) == count


def test_the_sums_above_a_list_of_payments_are_those_of_the_figures(history):
    with history.viewers["admin"].transaction() as db:
        figures = totals(db, history.period, only=["cash_collected", "net_revenue"])
        sums = payment_sums(db, PaymentFilter(period=history.period))
    assert {currency: cash for currency, (_, cash, _) in sums.items()} == figures["cash_collected"]
    assert {currency: net for currency, (*_, net) in sums.items()} == figures["net_revenue"]


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


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.key)
def test_a_figure_that_counts_none_of_a_facts_rows_has_none_to_show(history, fact):
    with history.viewers["admin"].transaction() as db:
        shown = {key for key in [*METRICS, "nonsense"] if matching(db, fact, key) is not None}
    assert shown == set(OF_FACT[fact.key]) != set()


def test_every_figure_that_is_counted_or_summed_has_a_list_of_its_rows():
    counted = {key for key, metric in METRICS.items() if isinstance(metric, Count | Sum)}
    assert {key for keys in OF_FACT.values() for key in keys} == counted


def test_what_is_marked_as_spam_is_no_lead_until_the_mark_is_taken_back():
    org = make.organization()
    manager, day = make.viewer(org, "manager"), today("UTC")
    period = Period(day, day + timedelta(days=1), "UTC")
    with manager.transaction() as db:
        details = LeadDetails(is_spam=True)
        spam = create_lead_of(db, Person("Kim", "kim@example.com"), details, manager).id
        create_lead_of(db, Person("Tom", "tom@example.com"), LeadDetails(), manager)

    def counted():
        with manager.transaction() as db:
            rows = LeadFilter(period, condition=matching(db, LEADS, "leads"))
            return totals(db, period)["leads"], count_leads(db, rows)

    assert counted() == (1, 1)
    with manager.transaction() as db:
        assert count_leads(db, LeadFilter(period)) == 2
        change_lead(db, spam, details, LeadDetails(), manager)
    assert counted() == (2, 2)


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


def test_a_no_show_that_is_noted_before_its_time_is_due_and_confirmed_as_soon_as_it_counts():
    org = make.organization(timezone="UTC")
    admin, day = make.viewer(org), today("UTC")
    with as_system(org) as db:
        missed = make.event(db, org, at=now() + timedelta(hours=6), provider_no_show_at=now())
        settle_status(missed, None, 24)
    with admin.transaction() as db:
        found = totals(db, Period(day, day + timedelta(days=2), "UTC"))
    assert (found["no_shows"], found["show_rate"]) == (1, 0)
    assert (found["due"], found["confirmed"], found["coverage"]) == (1, 1, 1)
