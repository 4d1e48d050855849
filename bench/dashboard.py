"""Every panel of the dashboard over a year, and the whole dashboard, each beside the best SQL that
a person would write for it.

Five organisations share a million events, and the dashboard of one of them is measured. The
baseline runs as the tables' owner, without row-level security, with the organisation's id in the
statement, and computes only what the panel shows. Then the statements of the product are measured
with and without row-level security.
"""

# ruff: noqa: S608 - SQL is composed of our own constants, values are bound
from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.orm import Session

from bench.data import ADMIN, MEASURED, YEAR, filled
from bench.receiver import Row
from core.metrics.dashboard import CARDS, FIGURES, PAID, TRENDS, dashboard
from core.metrics.dimensions import HOUR, WEEKDAY, Dimension
from core.metrics.filters import Filters
from core.metrics.table import metrics_table, totals
from core.platform.clock import Period, now
from core.platform.database import APP_ROLE, as_member, engine, role_url

EVENTS, ORGANIZATIONS, ROUNDS = 1_000_000, 5, 15
MONTH = Period(date(2025, 11, 1), date(2025, 12, 1), YEAR.timezone)
MAX_RATIO, MAX_MORE_MS, MAX_SECURITY = 1.5, 5.0, 1.25

EVENTS_OF_PERIOD = """from app.events where organization_id = %(org)s
            and scheduled_at >= %(start)s and scheduled_at < %(end)s and deleted_at is null"""
CASH = (
    "from app.payments where organization_id = %(org)s and payment_date >= %(start)s and"
    " payment_date < %(end)s and counts"
)
COUNTS = """count(*) filter (where call_status <> 'rescheduled') as booked,
            count(*) filter (where call_status = 'completed') as completed,
            count(*) filter (where call_status = 'completed' and event_outcome in ('showed',
              'offer_made', 'closed')) as shows,
            count(*) filter (where call_status = 'no_show') as no_shows,
            count(*) filter (where event_outcome = 'closed') as closes"""
SUMS = "currency, sum(amount) as cash, sum(net_revenue) as net"
TOTALS = f"""
    select * from (select {COUNTS}, count(*) filter (where event_outcome in ('offer_made',
      'closed')) as offers,
                          count(*) filter (where scheduled_at < now()
                            and call_status not in ('canceled', 'rescheduled')) as due,
                          count(*) filter (where scheduled_at < now()
                            and call_status in ('completed', 'no_show')) as confirmed
                     {EVENTS_OF_PERIOD}) e
      left join (select {SUMS} {CASH} group by currency) p on true"""
DAYS = f"""
    select * from (select (scheduled_at at time zone %(zone)s)::date as day,
      {COUNTS} {EVENTS_OF_PERIOD} group by 1) e
      full join (select (payment_date at time zone %(zone)s)::date as day, {SUMS} {CASH}
        group by 1, currency) p using (day)
     order by day"""
PEOPLE = f"""
    select * from (select {{0}}_id as member, {COUNTS} {EVENTS_OF_PERIOD} group by 1) e
      full join (select {{0}}_id as member, {SUMS} {CASH} group by 1, currency) p using (member)
      left join app.{{0}}s named on named.organization_id = %(org)s and named.id = member"""
HEAT = f"""
    select extract(isodow from scheduled_at at time zone %(zone)s), extract(hour
      from scheduled_at at time zone %(zone)s), count(*)
           {EVENTS_OF_PERIOD} and call_status <> 'rescheduled' group by 1, 2"""
PAID_EVENTS = f"""
    select count(*) {EVENTS_OF_PERIOD} and event_outcome = 'closed' and exists (
        select from app.payments p where p.organization_id = events.organization_id
          and p.event_id = events.id and p.counts)"""


@dataclass(frozen=True)
class Panel:
    """One panel: how the product computes it, and the best SQL for it."""

    name: str
    ours: Callable[[Session, Period], object]
    baseline: str


SHOWN = tuple(dict.fromkeys((*CARDS, *TRENDS)))


def _by(*keys: str | Dimension, only: Sequence[str] = SHOWN) -> Callable[[Session, Period], object]:
    return lambda db, period: metrics_table(db, period, keys, only=only)


PANELS = (
    Panel("figures of a year", _by(only=FIGURES), TOTALS),
    Panel("its days", _by("day"), DAYS),
    Panel("its closers", _by("closer"), PEOPLE.format("closer")),
    Panel("its setters", _by("setter"), PEOPLE.format("setter")),
    Panel("weekdays and hours", _by(WEEKDAY, HOUR, only=("booked_calls",)), HEAT),
    Panel(
        "closed bookings that paid",
        lambda db, period: totals(db, period, only=(PAID,)),
        PAID_EVENTS,
    ),
)


def run() -> list[Row]:
    """Each panel, the whole dashboard, and what row-level security adds to each statement."""
    with (
        filled(events=EVENTS, organizations=ORGANIZATIONS) as owner_url,
        _planning(owner_url) as owner,
    ):
        panels = [
            _compare(
                panel.name, partial(_looked, panel.ours), partial(_baselines, owner, YEAR, panel)
            )
            for panel in PANELS
        ]
        whole = [
            _compare(
                f"dashboard of {period.days} days",
                partial(_looked, _dashboard, period),
                partial(_baselines, owner, period, *PANELS),
            )
            for period in (YEAR, MONTH)
        ]
        return [*panels, *whole, *(_security(owner, panel) for panel in PANELS)]


@contextmanager
def _planning(url: str) -> Iterator[psycopg.Connection]:
    """A connection that plans every statement for its own values, which is best for statements of
    this size.
    """
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        yield connection


def _dashboard(db: Session, period: Period) -> object:
    return dashboard(db, period, None, Filters(), now())


def _baselines(owner: psycopg.Connection, period: Period, *panels: Panel) -> None:
    values = {
        "org": MEASURED,
        "start": period.starts_at,
        "end": period.ends_at,
        "zone": period.timezone,
    }
    for panel in panels:
        owner.execute(panel.baseline, values).fetchall()


def _compare(name: str, ours: Callable[[], object], baseline: Callable[[], object]) -> Row:
    ours_ms, baseline_ms, ratio = _in_turns(ours, baseline)
    holds = ratio <= MAX_RATIO + MAX_MORE_MS / baseline_ms
    return Row(
        name,
        f"{ours_ms:.1f} ms",
        f"{baseline_ms:.1f} ms",
        ratio,
        f"≤ {MAX_RATIO} + {MAX_MORE_MS:.0f} ms",
        holds,
    )


def _looked(look: Callable[[Session, Period], object], period: Period = YEAR) -> None:
    with as_member(ADMIN, MEASURED) as db:
        look(db, period)


def _security(owner: psycopg.Connection, panel: Panel) -> Row:
    """The product's own statement with the policies, compared with the same statement run by the
    owner with the organisation's id in their place.
    """
    with _statements() as statements:
        _looked(panel.ours)
    statement, values = max(statements, key=lambda pair: len(pair[0]))
    bare = statement
    for table in ("events", "payments", "post_call_forms"):
        bare = bare.replace(
            f"app.{table} ", f"(select * from app.{table} where organization_id = '{MEASURED}') "
        )
    with _planning(_app_url()) as member, member.transaction():
        member.execute("select app.enter(%s, %s)", (ADMIN, MEASURED))
        owner.execute("select set_config('app.organization_id', %s, false)", (str(MEASURED),))
        on_ms, off_ms, ratio = _in_turns(
            lambda: member.execute(statement, values).fetchall(),
            lambda: owner.execute(bare, values).fetchall(),
        )
    return Row(
        f"{panel.name}, secured",
        f"{on_ms:.1f} ms",
        f"{off_ms:.1f} ms",
        ratio,
        f"≤ {MAX_SECURITY}",
        ratio <= MAX_SECURITY,
    )


@contextmanager
def _statements() -> Iterator[list[tuple[str, Any]]]:
    """Collects the statements that the product sends to Postgres meanwhile."""
    sent: list[tuple[str, Any]] = []

    def record(
        _connection: object, _cursor: object, statement: str, parameters: Any, *_: object
    ) -> None:
        sent.append((statement, parameters))

    event.listen(engine(APP_ROLE), "before_cursor_execute", record)
    yield sent
    event.remove(engine(APP_ROLE), "before_cursor_execute", record)


def _app_url() -> str:
    return role_url(APP_ROLE).set(drivername="postgresql").render_as_string(hide_password=False)


def _in_turns(
    first: Callable[[], object], second: Callable[[], object]
) -> tuple[float, float, float]:
    """The median milliseconds of each, and the median of their ratios. They run in turns, so that
    whatever else the machine does slows both.
    """
    for warm in (first, second):
        warm()
    rounds = [(_took_ms(first), _took_ms(second)) for _ in range(ROUNDS)]
    one, other = (statistics.median(pair[side] for pair in rounds) for side in (0, 1))
    return one, other, statistics.median(first / second for first, second in rounds)


def _took_ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
