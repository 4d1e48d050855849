"""What the dashboard shows: figures of one period beside another, their course and who they are
of.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.catalog import Count
from core.metrics.dimensions import HOUR, WEEKDAY
from core.metrics.facts import EVENTS
from core.metrics.figures import Figures, Values
from core.metrics.filters import Filters
from core.metrics.table import metrics_table, metrics_tables
from core.platform.clock import Period

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PAID = Count(
    key="paid_closes",
    name="Paid",
    formula="Closed bookings of which a payment counts",
    fact=EVENTS,
    condition=(
        "events.event_outcome = 'closed' and exists (select 1 from app.payments paid where"
        " paid.organization_id = events.organization_id and paid.event_id = events.id and"
        " paid.counts)"
    ),
)
SHOWN = (
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
FIGURES = (*SHOWN, "offers", "due", "confirmed", "payments")


@dataclass(frozen=True)
class Dashboard:
    """One period beside another: ``FIGURES`` of the whole, day by day, by closer, by setter, and by
    weekday and hour. ``paid`` is how many of the closed calls have a payment that counts.
    """

    now: Values
    before: Values | None
    days: Figures
    days_before: Figures | None
    closers: Figures
    setters: Figures
    heat: list[list[int]]
    paid: int


def dashboard(db: Session, period: Period, compared: Period | None, filters: Filters) -> Dashboard:
    """Everything of one look at the dashboard, as the caller may see it."""
    groups = (("day",), ("closer",), ("setter",), (WEEKDAY, HOUR))
    days, closers, setters, hours = metrics_tables(
        db, period, groups, filters, only=(*FIGURES, PAID)
    )
    earlier = metrics_table(db, compared, ("day",), filters, only=FIGURES) if compared else None
    paid = days.totals.count(PAID.key)
    now = Values((key, days.totals[key]) for key in FIGURES)
    before = earlier.totals if earlier else None
    return Dashboard(now, before, days, earlier, closers, setters, heat(hours), paid)


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


def data_stamp(db: Session) -> str:
    """Changes whenever an event or payment that the caller sees does; part of the key of whatever
    is cached of them.
    """
    row = db.execute(
        text("""
        select (select max(updated_at) from app.events where organization_id = app.cur_org()),
               (select max(updated_at) from app.payments where organization_id = app.cur_org())
    """)
    ).one()
    return f"{row[0]} {row[1]}"
