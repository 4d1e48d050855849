"""What the dashboard shows beside the figures themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.filters import Filters
from core.metrics.table import metrics_table, plan_for_values
from core.platform.clock import Period

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
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


@dataclass(frozen=True)
class Dashboard:
    """One period beside another: all its figures; those of ``SHOWN`` day by day, by closer and by
    setter.
    """

    now: dict[str, Any]
    before: dict[str, Any] | None
    days: pd.DataFrame
    days_before: pd.DataFrame | None
    closers: pd.DataFrame
    setters: pd.DataFrame
    heat: list[list[int]]
    paid: int


def dashboard(db: Session, period: Period, compared: Period | None, filters: Filters) -> Dashboard:
    """Everything of one look at the dashboard, as the caller may see it."""
    now: Any = metrics_table(db, period, (), filters).to_dict("records")[0]
    before: Any = (
        metrics_table(db, compared, (), filters).to_dict("records")[0] if compared else None
    )
    return Dashboard(
        now,
        before,
        shown(db, period, "day", filters),
        shown(db, compared, "day", filters) if compared else None,
        shown(db, period, "closer", filters),
        shown(db, period, "setter", filters),
        heat(db, period, filters),
        paid_events(db, period, filters),
    )


def shown(db: Session, period: Period, by: str, filters: Filters) -> pd.DataFrame:
    """The figures of ``SHOWN`` by one dimension; columns as those of ``metrics_table``."""
    return metrics_table(db, period, (by,), filters, only=SHOWN)


def paid_events(db: Session, period: Period, filters: Filters) -> int:
    """How many of the period's closed calls have a payment that counts."""
    query = text(f"""
        select count(*) from app.events e
         where e.scheduled_at >= :starts_at and e.scheduled_at < :ends_at and e.deleted_at is null
           and e.event_outcome = 'closed'{filters.sql("e")}
           and exists (select 1 from app.payments p
                        where p.organization_id = e.organization_id and p.event_id = e.id
                          and p.counts)
    """)
    plan_for_values(db)
    return int(
        db.execute(
            query, {"starts_at": period.starts_at, "ends_at": period.ends_at, **filters.values()}
        ).scalar_one()
    )


def heat(db: Session, period: Period, filters: Filters) -> list[list[int]]:
    """Booked calls by weekday (Monday first) and hour of the organisation's day: 7 lists of 24
    counts.
    """
    plan_for_values(db)
    rows = db.execute(
        text(f"""
            select extract(isodow from e.scheduled_at at time zone :timezone)::int as weekday,
                   extract(hour from e.scheduled_at at time zone :timezone)::int as hour,
                     count(*) as calls
              from app.events e
             where e.scheduled_at >= :starts_at and e.scheduled_at < :ends_at
               and e.deleted_at is null
               and e.call_status <> 'rescheduled'{filters.sql("e")} group by 1, 2
        """),
        {
            "timezone": period.timezone,
            "starts_at": period.starts_at,
            "ends_at": period.ends_at,
            **filters.values(),
        },
    )
    counts = [[0] * 24 for _ in WEEKDAYS]
    for row in rows:
        counts[row.weekday - 1][row.hour] = row.calls
    return counts


def data_stamp(db: Session) -> str:
    """Changes whenever an event or payment that the caller sees does; part of the key of whatever
    is kept of them.
    """
    row = db.execute(
        text("""
        select (select max(updated_at) from app.events where organization_id = app.cur_org()),
               (select max(updated_at) from app.payments where organization_id = app.cur_org())
    """)
    ).one()
    return f"{row[0]} {row[1]}"
