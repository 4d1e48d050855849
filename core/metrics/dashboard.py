"""What the dashboard shows: figures of one period beside another, their course and who they are
of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.catalog import PAID, facts_of
from core.metrics.changes import Change, change_of, first_days, nothing_before
from core.metrics.comparison import Comparison
from core.metrics.dimensions import HOUR, WEEKDAY, Dimension
from core.metrics.figures import Figures, Key, Row, Values
from core.metrics.filters import Filters
from core.metrics.grains import Grain, Slice, beside, earlier_slices, grain_of, slices
from core.metrics.query import Grouping
from core.metrics.table import metrics_table, metrics_tables, nothing_of, tables_read, totals
from core.platform.clock import Period

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CARDS = ("booked_calls", "show_rate", "close_rate", "cash_collected", "net_revenue")
TRENDS = (
    "booked_calls",
    "shows",
    "show_rate",
    "closes",
    "close_rate",
    "cash_collected",
    "net_revenue",
)
FUNNEL = (
    ("Booked", "booked_calls"),
    ("Showed", "shows"),
    ("Offered", "offers"),
    ("Closed", "closes"),
)
FIGURES = tuple(
    dict.fromkeys(
        (
            *CARDS,
            *TRENDS,
            *(key for _, key in FUNNEL),
            *("completed", "no_shows"),  # with the shows, what the rates are based on
            *("due", "confirmed", "payments"),
        )
    )
)

SIGHT = ("access_settings", "organization_members", "organizations")  # decide who sees what


@dataclass(frozen=True, eq=False)
class Dashboard:
    """One period beside another: ``FIGURES`` of the whole, slice by slice, by closer, by setter,
    and by weekday and hour. ``paid`` is how many of the closed deals have a payment that counts.

    ``so_far`` is as much of the period as ``before`` is of the earlier one: of an unfinished one
    what has passed. ``course`` has a row for each of the ``slices``, also for one without anything;
    ``earlier_slices`` are the days that lie beside them and ``course_before`` the figures of
    exactly these days, None where there are none or they have not come so far. ``first_days`` are
    the days of the first rows ever, by fact, which say how far back anything can be compared.
    """

    today: date
    comparison: Comparison | None
    now: Values
    so_far: Values
    before: Values | None
    grain: Grain
    slices: list[Slice]
    course: Figures
    earlier_slices: list[Period | None]
    course_before: list[Values | None] | None
    first_days: Mapping[str, date | None]
    closers: Figures
    setters: Figures
    heat: list[list[int]]
    paid: int

    def change(self, key: str, currency: str) -> Change | None:
        """How far a figure has moved, or why that says nothing; None without a comparison."""
        if self.comparison is None or self.before is None:
            return None
        earlier = self.comparison.earlier
        return change_of(key, self.so_far, self.before, earlier, self.first_days, currency)

    def before_of(self, key: str) -> list[Values | None] | None:
        """What lies beside the course of a figure; None where nothing is recorded of that time."""
        if self.comparison is None or nothing_before(key, self.comparison.earlier, self.first_days):
            return None
        return self.course_before


def groupings(grain: Grain) -> tuple[Grouping, ...]:
    """What the one statement is asked for: the course, closers, setters and hours."""
    return (
        Grouping((grain,), (*FIGURES, PAID)),
        Grouping(("closer",), FIGURES),
        Grouping(("setter",), FIGURES),
        Grouping((WEEKDAY, HOUR), ("booked_calls",)),
    )


def dashboard(
    db: Session,
    period: Period,
    comparison: Comparison | None,
    filters: Filters,
    at: datetime,
    grain: Grain | None = None,
) -> Dashboard:
    """Everything of one look at the dashboard at the instant ``at``, as the caller may see it; its
    course in slices of ``grain``, or of the one that suits the period.
    """
    grain = grain or grain_of(period)
    asked = groupings(grain)
    course, closers, setters, hours = metrics_tables(db, period, asked, filters, at=at)
    paid = course.totals.count(PAID.key)
    now = so_far = Values((key, course.totals[key]) for key in FIGURES)
    parts, before, course_before = slices(period, grain), None, None
    earlier_parts: list[Period | None] = [None] * len(parts)
    firsts: dict[str, date | None] = {}
    if comparison is not None:
        if comparison.present.until is not None:
            so_far = totals(db, comparison.present, filters, at=at, only=FIGURES)
        earlier_parts = earlier_slices(parts, grain, comparison)
        by, keys = beside(earlier_parts)
        earlier = metrics_table(db, comparison.earlier, (by,), filters, at=at, only=FIGURES)
        before = earlier.totals
        ordered = [keys[part] if part else None for part in earlier_parts]
        course_before = _in_order(earlier, ordered)
        firsts = first_days(db, facts_of(FIGURES), period.timezone, filters)
    today = at.astimezone(ZoneInfo(period.timezone)).date()
    return Dashboard(
        today=today,
        comparison=comparison,
        now=now,
        so_far=so_far,
        before=before,
        grain=grain,
        slices=parts,
        course=in_all(parts, grain, course),
        earlier_slices=earlier_parts,
        course_before=course_before,
        first_days=firsts,
        closers=closers,
        setters=setters,
        heat=heat(hours),
        paid=paid,
    )


def in_all(parts: Iterable[Slice], grain: Grain, course: Figures) -> Figures:
    """The same with a row for each of the slices, also for those of which there is nothing."""
    found = {row.keys[grain].id: row for row in course.rows}
    nothing = nothing_of(course.metrics)
    keys = [part.key for part in parts]
    rows = [found.get(key) or Row({grain: Key(key, key)}, nothing) for key in keys]
    return replace(course, rows=rows)


def _in_order(earlier: Figures, keys: Iterable[int | None]) -> list[Values | None]:
    """The figures of each of these groups, and None where there is no group."""
    [by] = earlier.dimensions
    found = {row.keys[by.key].id: row.values for row in earlier.rows}
    nothing = nothing_of(earlier.metrics)
    return [None if key is None else found.get(key, nothing) for key in keys]


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
def read_of(*narrowing: Dimension) -> list[str]:
    """The tables that a dashboard reads which is narrowed by these dimensions."""
    by = {each.key: each for each in narrowing}
    return tables_read(groupings("day"), Filters(dict.fromkeys(by, (None,)), by))


def data_stamp(db: Session, filters: Filters) -> str:
    """Changes whenever a row of the organisation does that the dashboard is counted from or
    narrowed by or takes a name of, or that decides who sees these; part of the key of whatever is
    cached of it. What changes as time passes is not in it.
    """
    tables = (*read_of(*map(filters.dimension, filters.chosen)), *SIGHT)
    latest = (f"app.last_change_of('{table}')" for table in tables)
    return " ".join(map(str, db.execute(text(f"select {', '.join(latest)}")).one()))
