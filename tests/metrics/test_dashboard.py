"""Every panel of the dashboard adds up to its cards, for the period and for the one that it is
compared with.
"""

from zoneinfo import ZoneInfo

import pytest

from core.bookings.models import BookingSettings, Closer, Event
from core.metrics.comparison import compared
from core.metrics.dashboard import FIGURES, dashboard, data_stamp, read_of
from core.metrics.dimensions import FILTERS
from core.metrics.filters import Filters
from core.metrics.query import Grouping
from core.metrics.table import tables_read, totals
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import as_system
from core.tenancy.access.models import AccessSettings, Role
from core.tenancy.access.reporting_lines import set_manager
from tests import factories as make
from tests.metrics.history import random_history
from tests.statements import statements

ADDED = ("booked_calls", "shows", "closes")
ROLES = ("admin", "manager", "viewer", "sales_rep")


def look(history, role="admin", comparison=None, filters=None):
    with history.viewers[role].transaction() as db:
        return dashboard(db, history.period, comparison, filters or Filters(), now())


def cash_of(rows):
    """The cash of all groups together."""
    together = {}
    for money in rows["cash_collected"]:
        for currency, amount in money.items():
            together[currency] = together.get(currency, 0) + amount
    return together


def visible_calls(history, oracle, role):
    """The period's events that the viewer may see, as the oracle finds them in the bare rows."""
    rep = history.viewers[role].user_id if role == "sales_rep" else None
    zone = ZoneInfo(history.timezone)
    return [
        (row, row["scheduled_at"].astimezone(zone))
        for row in oracle.events.values()
        if row["deleted_at"] is None
        and (rep is None or rep in (row["closer_user_id"], row["setter_user_id"]))
        and history.period.start <= row["scheduled_at"].astimezone(zone).date() < history.period.end
    ]


@pytest.mark.parametrize("role", ROLES)
def test_the_cards_are_the_totals_and_each_panel_adds_up_to_them(history, role):
    seen = look(history, role)
    with history.viewers[role].transaction() as db:
        assert seen.now == totals(db, history.period, only=FIGURES)
    for panel in (seen.course.frame(), seen.closers.frame(), seen.setters.frame()):
        assert {key: panel[key].sum() for key in ADDED} == {key: seen.now[key] for key in ADDED}
        assert cash_of(panel) == seen.now["cash_collected"]
        assert set(FIGURES) <= set(panel.columns)
    assert sum(map(sum, seen.heat)) == seen.now["booked_calls"] > 0


@pytest.mark.parametrize("role", ROLES)
def test_the_heat_map_is_cut_by_the_organisations_own_clock(history, oracle, role):
    expected = [[0] * 24 for _ in range(7)]
    for row, local in visible_calls(history, oracle, role):
        expected[local.weekday()][local.hour] += row["call_status"] != "rescheduled"
    assert look(history, role).heat == expected


@pytest.mark.parametrize("role", ROLES)
def test_the_last_step_of_the_funnel_counts_closed_calls_with_money_and_never_more_than_closed(
    history, oracle, role
):
    counting = {
        row["event_id"]
        for row in oracle.payments
        if row["status"] == "succeeded"
        and row["deleted_at"] is None
        and row["superseded_by_id"] is None
    }
    closed = [
        row["id"]
        for row, _ in visible_calls(history, oracle, role)
        if row["event_outcome"] == "closed"
    ]
    seen = look(history, role)
    assert seen.paid == len(counting & set(closed))
    assert seen.now["closes"] == len(closed)


def test_the_comparison_has_the_figures_of_the_other_period():
    history = random_history("Europe/Copenhagen", seed=3, calls=60, payments=40)
    comparison = compared(history.period, now())
    before = comparison.earlier
    with as_system(history.organization_id) as db:
        at = before.starts_at
        make.event(
            db, history.organization_id, at=at, call_status="completed", event_outcome="closed"
        )
        make.payment(db, history.organization_id, "12.00", at=at)
    alone, beside = look(history), look(history, comparison=comparison)
    assert (alone.before, alone.course_before) == (None, None)
    with history.viewers["admin"].transaction() as db:
        assert beside.before == totals(db, before, only=FIGURES)
    assert beside.before["closes"] >= 1
    assert len(beside.course_before) == len(beside.course.rows) == history.period.days
    booked = sum(day["booked_calls"] for day in beside.course_before)
    assert booked == beside.before["booked_calls"]
    assert beside.so_far == beside.now
    assert (beside.now, beside.heat, beside.paid) == (alone.now, alone.heat, alone.paid)


def test_a_filter_narrows_every_panel(history, oracle):
    chosen = tuple(history.lists["closer_id"][:1])
    seen = look(history, filters=Filters({"closer": chosen}))
    theirs = [
        row for row, _ in visible_calls(history, oracle, "admin") if row["closer_id"] in chosen
    ]
    booked = sum(row["call_status"] != "rescheduled" for row in theirs)
    assert (
        seen.now["booked_calls"]
        == seen.course.frame()["booked_calls"].sum()
        == sum(map(sum, seen.heat))
        == booked
        > 0
    )
    assert set(seen.closers.frame()["closer_id"]) == set(chosen)
    assert (
        seen.paid <= seen.now["closes"] == sum(row["event_outcome"] == "closed" for row in theirs)
    )


def test_the_stamp_is_of_every_table_that_the_figures_are_counted_from():
    assert tables_read([Grouping((), ["leads"])]) == ["leads"]
    assert tables_read([Grouping((), ["booking_share"])]) == ["events", "leads"]
    assert tables_read([Grouping((), ["shows"])]) == ["booking_settings", "events"]
    assert tables_read([Grouping(("closer",), ["net_revenue"])]) == ["closers", "payments"]
    assert read_of() == ["booking_settings", "closers", "events", "payments", "setters"]
    assert read_of(FILTERS["package"]) == [*read_of()[:4], "post_call_forms", "setters"]
    with make.viewer(make.organization()).transaction() as db:
        assert data_stamp(db, Filters(dict.fromkeys(FILTERS, (None,))))


def test_the_stamp_changes_with_every_event_payment_and_name_and_with_nothing_else():
    org, elsewhere = make.organization(), make.organization()
    admin = make.viewer(org)

    def stamp():
        with admin.transaction() as db:
            return data_stamp(db, Filters())

    stamps = [stamp()]
    with as_system(org) as db:
        event = make.event(db, org)
    stamps.append(stamp())
    with as_system(org) as db:
        make.payment(db, org)
    stamps.append(stamp())
    with as_system(org) as db:
        lock_books(db)
        db.merge(event).call_status = "canceled"
    stamps.append(stamp())
    with as_system(org) as db:
        make.closer(db, org, "Ana")
    stamps.append(stamp())
    with as_system(elsewhere) as db:
        make.event(db, elsewhere)
    assert len(set(stamps)) == 5
    assert stamp() == stamps[-1]


def stamp_of(viewer):
    with viewer.transaction() as db:
        return data_stamp(db, Filters())


def test_the_stamp_of_a_teams_manager_changes_when_somebody_comes_or_leaves():
    org = make.organization()
    admin, manager = make.viewer(org), make.viewer(org, Role.MANAGER)
    rep = make.viewer(org, Role.SALES_REP)
    stamps = [stamp_of(manager)]
    with as_system(org) as db:
        db.get_one(AccessSettings, org).managers_see_their_team_only = True
    stamps.append(stamp_of(manager))
    for above in (manager.user_id, None):
        with admin.transaction() as db:
            set_manager(db, rep.user_id, above)
        stamps.append(stamp_of(manager))
    assert len(set(stamps)) == 4


def test_the_stamp_of_a_rep_changes_when_an_older_booking_of_theirs_is_given_to_somebody_else():
    org = make.organization()
    rep = make.viewer(org, Role.SALES_REP)
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana", user_id=rep.user_id), make.closer(db, org, "Bo")
        older, bo_id = make.event(db, org, ana).id, bo.id
    with as_system(org) as db:
        make.event(db, org, db.get_one(Closer, (org, ana.id)))
    before = stamp_of(rep)
    with as_system(org) as db:
        lock_books(db)
        db.get_one(Event, (org, older)).closer_id = bo_id
    assert stamp_of(rep) != before


def test_the_stamp_changes_with_the_grace_of_forms():
    org = make.organization()
    admin = make.viewer(org)
    before = stamp_of(admin)
    with as_system(org) as db:
        db.get_one(BookingSettings, org).pcf_grace_hours = 1
    assert stamp_of(admin) != before


def test_an_uncached_dashboard_reads_each_period_once(history):
    with history.viewers["admin"].transaction() as db, statements() as asked:
        dashboard(db, history.period, compared(history.period, now()), Filters(), now())
    assert len(asked) == 4, asked
