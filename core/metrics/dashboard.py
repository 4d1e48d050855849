"""What the dashboard shows: figures of one period beside another, their course and who they are
of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.catalog import PAID
from core.metrics.comparison import Comparison
from core.metrics.dimensions import HOUR, WEEKDAY
from core.metrics.figures import Figures, Key, Row, Values
from core.metrics.filters import Filters
from core.metrics.query import Grouping
from core.metrics.table import metrics_table, metrics_tables, nothing_of, tables_read, totals
from core.platform.clock import Period, day_start

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CARDS = ("booked_calls", "show_rate", "close_rate", "cash_collected", "net_revenue")
TRENDS = ("booked_calls", "shows", "closes", "cash_collected")
FUNNEL = (
    ("Booked", "booked_calls"),
    ("Showed", "shows"),
    ("Offered", "offers"),
    ("Closed", "closes"),
)
FIGURES = tuple(
    dict.fromkeys((*CARDS, *TRENDS, *(key for _, key in FUNNEL), "due", "confirmed", "payments"))
)
GROUPINGS = (
    Grouping(("day",), (*FIGURES, PAID)),
    Grouping(("closer",), FIGURES),
    Grouping(("setter",), FIGURES),
    Grouping((WEEKDAY, HOUR), ("booked_calls",)),
)


@dataclass(frozen=True)
class Dashboard:
    """One period beside another: ``FIGURES`` of the whole, day by day, by closer, by setter, and by
    weekday and hour. ``paid`` is how many of the closed deals have a payment that counts.

    ``so_far`` is as much of the period as ``before`` is of the earlier one: of an unfinished one
    what has passed. A day without anything has its row too; ``days_before`` are the earlier days
    that lie beside ``days``, None where there is none or it has not come so far.
    """

    today: date
    now: Values
    so_far: Values
    before: Values | None
    days: Figures
    days_before: list[Values | None] | None
    closers: Figures
    setters: Figures
    heat: list[list[int]]
    paid: int


def dashboard(
    db: Session,
    period: Period,
    comparison: Comparison | None,
    filters: Filters,
    at: datetime,
) -> Dashboard:
    """Everything of one look at the dashboard at the instant ``at``, as the caller may see it."""
    days, closers, setters, hours = metrics_tables(db, period, GROUPINGS, filters, at=at)
    paid = days.totals.count(PAID.key)
    now = so_far = Values((key, days.totals[key]) for key in FIGURES)
    days, before, days_before = every_day(days, period), None, None
    if comparison is not None:
        if comparison.present.until is not None:
            so_far = totals(db, comparison.present, filters, at=at, only=FIGURES)
        earlier = metrics_table(db, comparison.earlier, ("day",), filters, at=at, only=FIGURES)
        before, days_before = earlier.totals, _beside(days, comparison, earlier)
    today = at.astimezone(ZoneInfo(period.timezone)).date()
    return Dashboard(
        today, now, so_far, before, days, days_before, closers, setters, heat(hours), paid
    )


def every_day(days: Figures, period: Period) -> Figures:
    """The same with a row for each day of the period, also for those of which there is nothing."""
    found = {row.keys["day"].id: row for row in days.rows}
    nothing = nothing_of(days.metrics)
    dates = [period.start + timedelta(days=place) for place in range(period.days)]
    rows = [found.get(day) or Row({"day": Key(day, day)}, nothing) for day in dates]
    return replace(days, rows=rows)


def _beside(days: Figures, comparison: Comparison, earlier: Figures) -> list[Values | None]:
    """For each of ``days`` the figures of the earlier day at its place."""
    found = {row.keys["day"].id: row.values for row in earlier.rows}
    nothing = nothing_of(earlier.metrics)
    first, ends_at = comparison.earlier.start, comparison.earlier.ends_at
    made: list[Values | None] = []
    for row in days.rows:
        day = row.keys["day"].id
        beside = comparison.beside(day) if isinstance(day, date) else None
        has_come = beside is not None and (
            beside >= first and day_start(beside, comparison.earlier.timezone) < ends_at
        )
        made.append(found.get(beside, nothing) if has_come else None)
    return made


def heat(hours: Figures) -> list[list[int]]:
    """Booked calls by weekday (Monday first) and hour of the organisation's day: 7 lists of 24
    counts.
    """
    counts = [[0] * 24 for _ in WEEKDAYS]
    for row in hours.rows:
        weekday, hour = row.keys[WEEKDAY.key].id, row.keys[HOUR.key].id
        if isinstance(weekday, int) and isinstance(hour, int):
            counts[weekday - 1][hour] = row.values.count("booked_calls")
    return counts


@cache
def read_of(*keys: str) -> list[str]:
    """The tables that a dashboard reads which is narrowed by these dimensions."""
    return tables_read(GROUPINGS, Filters(dict.fromkeys(keys, (None,))))


def data_stamp(db: Session, filters: Filters) -> str:
    """Changes whenever a row does that the dashboard is counted from or narrowed by or takes a name
    of, as far as the caller sees it; part of the key of whatever is cached of it.
    """
    latest = (
        f"(select max(updated_at) from app.{table} where organization_id = app.cur_org())"
        for table in read_of(*filters.chosen)
    )
    return " ".join(map(str, db.execute(text(f"select {', '.join(latest)}")).one()))
