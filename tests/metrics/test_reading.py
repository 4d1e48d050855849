"""What a statement of figures reads: each fact once, no fact that nobody asked for, and nothing but
an index.
"""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.bookings.listed import LISTED
from core.metrics.catalog import METRICS, PAID, facts_of
from core.metrics.dashboard import dashboard, groupings
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.filters import Filters
from core.metrics.leaderboards import leaderboard
from core.metrics.query import Grouping, Query
from core.metrics.table import metrics_table, metrics_tables, totals
from core.platform.clock import Period
from core.platform.database import as_board
from tests.ports import owner
from tests.statements import statements

INDEXED = [key for key in METRICS if set(facts_of([key])) <= {EVENTS.key, PAYMENTS.key}]
INDEX = "select pg_get_indexdef(cast(:name as regclass))"
POLICIES = """
    select string_agg(pg_get_expr(polqual, polrelid), ' ') from pg_policy
     where polrelid = cast(:name as regclass) and polcmd = 'r'
"""
COLUMNS = "select attname from pg_attribute where attrelid = cast(:name as regclass) and attnum > 0"


@pytest.mark.parametrize(
    ("table", "alias", "index"),
    [
        ("events", "events", "ix_events_organization_id_scheduled_at"),
        ("payments", "payments", "ix_payments_organization_id_payment_date"),
        ("payments", "paid", "ix_payments_organization_id_event_id"),
    ],
)
def test_an_index_holds_every_column_that_figures_and_policies_name(table, alias, index):
    """So Postgres need not read the rows themselves, whoever looks and whatever narrows them."""
    by = ("day", *LISTED)
    filters = Filters(dict.fromkeys(LISTED, (None,)))
    sql = Query((Grouping(by, (*INDEXED, PAID)),), filters).sql()
    with owner() as db:

        def said(query, name):
            return set(db.execute(text(query), {"name": f"app.{name}"}).scalars())

        [made], [read] = said(INDEX, index), said(POLICIES, table)
        columns = said(COLUMNS, table)
    named = set(re.findall(rf"\b{alias}\.(\w+)", sql)) | set(re.findall(r"\w+", read)) & columns
    assert len(named) >= 5
    assert named <= set(re.findall(r"\w+", made))


def test_groupings_together_answer_what_each_answers_alone(history):
    asked = (
        *groupings("week"),
        Grouping((), ["leads", "net_revenue"]),
        Grouping(("source",), ["leads"]),
    )
    with history.viewers["admin"].transaction() as db:
        together = metrics_tables(db, history.period, asked, at=history.at)
        alone = [
            metrics_table(db, history.period, each.by, at=history.at, only=each.only)
            for each in asked
        ]
    for one, other in zip(together, alone, strict=True):
        assert one.totals == other.totals
        assert {tuple(row.keys.values()): row.values for row in one.rows} == {
            tuple(row.keys.values()): row.values for row in other.rows
        }


def test_a_dashboard_reads_each_fact_once(history):
    with history.viewers["admin"].transaction() as db, statements() as said:
        dashboard(db, history.period, None, Filters(), history.at)
    [whole] = [each for each in said if "from app.events events" in each]
    assert whole.count("from app.events events") == whole.count("from app.payments payments") == 1
    hours = whole[whole.index("from app.payments payments") :].split("of_payments as")[0]
    assert "isodow" not in hours  # nobody looks at the hours of payments


def test_a_leaderboard_of_cash_counts_no_events(history):
    viewer = history.viewers["admin"]
    with as_board(viewer.user_id, viewer.organization_id) as db, statements() as said:
        leaderboard(db, history.period, "closer", "cash_collected", "USD", history.at)
    assert [each for each in said if "of_payments" in each]
    assert not [each for each in said if "of_events" in each]


@pytest.mark.parametrize("days", [28, 365])
@pytest.mark.parametrize("metric", ["cash_collected", "show_rate", "pcf_compliance"])
def test_a_leaderboard_and_that_of_the_period_before_are_one_statement(history, metric, days):
    viewer = history.viewers["admin"]
    period = Period(history.at.date() - timedelta(days=days), history.at.date(), "UTC")
    with as_board(viewer.user_id, viewer.organization_id) as db, statements() as said:
        leaderboard(db, period, "closer", metric, "USD", history.at)
    assert len([each for each in said if "app.closers" in each or "app.events" in each]) == 1


def test_a_count_without_groups_reads_nothing_but_the_rows_that_it_counts(history):
    with history.viewers["admin"].transaction() as db, statements() as said:
        alone = totals(db, history.period, at=history.at, only=[PAID])
        among_others = totals(db, history.period, at=history.at, only=[PAID, "shows"])
    assert alone[PAID.key] == among_others[PAID.key]
    [first, second] = [each for each in said if "from app.events events" in each]
    assert "offset 0" in second
    assert "offset 0" not in first  # so that payments are joined
