"""All figures of a period, grouped by any dimensions, in one statement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.catalog import CONDITIONS, METRICS, MONEY, PER_CALL, RATES, counts_behind
from core.metrics.dimensions import Dimension, dimension
from core.metrics.filters import Filters
from core.platform.clock import Period, now
from core.platform.money import decimal_text

Money = dict[str, Decimal]


def metrics_table(
    db: Session,
    period: Period,
    by: Sequence[str] = (),
    filters: Filters | None = None,
    *,
    at: datetime | None = None,
    only: Collection[str] = METRICS.keys(),
) -> pd.DataFrame:
    """Every figure of ``period``, one row per combination of ``by`` (see ``dimensions``), as the
    viewer may see them.

    Columns: for each dimension its name (a listed one also ``<dimension>_id``), then every key of
    ``catalog.METRICS`` that is in ``only``: counts int64, rates 0 to 1 or None, hours float or
    None, money a dict currency → Decimal (currencies are never mixed; empty when none). Without
    ``by`` there is exactly one row. ``at`` is what counts as now.
    """
    dimensions = [dimension(key) for key in by]
    chosen = filters or Filters()
    parameters = {
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
        "timezone": period.timezone,
        "now": at or now(),
        "grace": grace_hours(db),
        **chosen.values(),
    }
    counts = counts_behind(only)
    plan_for_values(db)
    rows = db.execute(text(_statement(dimensions, chosen, counts)), parameters).mappings().all()
    keys = [key for key in METRICS if key in only]
    made = [_row(dict(row), dimensions, counts, keys) for row in rows]
    columns = [name for each in dimensions for name in _columns(each)] + keys
    return pd.DataFrame(made, columns=columns, dtype=object).astype(_dtypes(columns))


def plan_for_values(db: Session) -> None:
    """Plan this transaction's statements for their own period and filters.

    After ten runs on a connection Postgres would settle on one plan for any values, which takes
    twice as long for a month.
    """
    db.execute(text("set local plan_cache_mode = force_custom_plan"))


def grace_hours(db: Session) -> int:
    """How long after a call its form may wait, by the organisation's setting; 0 for nobody."""
    return (
        db.execute(
            text(
                "select pcf_grace_hours from app.booking_settings"
                " where organization_id = app.cur_org()"
            )
        ).scalar()
        or 0
    )


def totals(
    db: Session, period: Period, filters: Filters | None = None, *, at: datetime | None = None
) -> dict[str, Any]:
    """The one row of ``metrics_table`` without dimensions."""
    figures: Any = metrics_table(db, period, (), filters, at=at).to_dict("records")[0]
    return figures


def as_json(row: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Chosen figures of one row for programs: money as decimal strings with the currency's own
    decimals.
    """
    return {key: _plain(row[key]) for key in keys}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {currency: decimal_text(amount, currency) for currency, amount in value.items()}
    return value


def _dtypes(columns: Sequence[str]) -> dict[str, str]:
    """Counts stay whole numbers, and names of "none" stay None instead of becoming numbers that are
    not.
    """
    counts = {key for key, metric in METRICS.items() if metric.unit == "count"}
    return {name: "int64" if name in counts else "object" for name in columns}


def _columns(each: Dimension) -> list[str]:
    return [each.key, f"{each.key}_id"] if each.names else [each.key]


def _statement(dimensions: Sequence[Dimension], filters: Filters, counts: Sequence[str]) -> str:
    """Events and payments are each read once and grouped by the same keys; the two are then laid on
    top of each other.
    """
    keys = [f"k{number}" for number in range(len(dimensions))]
    counted = "".join(f"count(*) filter (where {CONDITIONS[name]}) as {name}, " for name in counts)
    added = "".join(f"sum({name})::bigint as {name}, " for name in counts)
    group = f"group by {', '.join(keys)}" if keys else ""
    named, joins = _names(dimensions)
    return f"""
        with e as (
            select {_listed(keys, [each.event for each in dimensions])} {counted}
                   extract(epoch from sum(e.scheduled_at - e.booked_at) filter (
                       where e.call_status <> 'rescheduled')) / 3600 as lead_hours
              from app.events e {" ".join(each.event_join for each in dimensions)}
             where e.scheduled_at >= :starts_at and e.scheduled_at < :ends_at
               and e.deleted_at is null{filters.sql("e")}
             {group}
        ), per_currency as (
            select {_listed(keys, [each.payment for each in dimensions])} p.currency,
              sum(p.amount) as cash,
                   sum(p.refund_amount) as refunds, sum(p.net_revenue) as net, count(*) as payments
              from app.payments p {" ".join(each.payment_join for each in dimensions)}
             where p.payment_date >= :starts_at and p.payment_date < :ends_at
               and p.counts{filters.sql("p")}
             group by {", ".join([*keys, "p.currency"])}
        ), p as (
            select {_listed(keys, keys)} sum(payments) as payments,
                   jsonb_object_agg(
                     currency, jsonb_build_array(cash::text, refunds::text, net::text)) as money
              from per_currency {group}
        ), laid as (
            select {_listed(keys, keys)} {"".join(f"{name}, " for name in counts)}
                   lead_hours, null::jsonb as money, 0 as payments from e
            union all
            select {_listed(keys, keys)} {"0, " * len(counts)} null, money, payments from p
        ), g as (
            select {_listed(keys, keys)} {added} sum(lead_hours) as lead_hours,
                   (array_agg(money) filter (where money is not null))[1] as money,
                   coalesce(sum(payments), 0)::bigint as payments
              from laid {group}
        )
        select g.*{named} from g {joins} order by {", ".join(f"g.{key}" for key in keys) or "1"}
    """


def _listed(keys: Sequence[str], expressions: Sequence[str]) -> str:
    return "".join(
        f"{expression} as {key}, " for key, expression in zip(keys, expressions, strict=True)
    )


def _names(dimensions: Sequence[Dimension]) -> tuple[str, str]:
    listed = [(number, each) for number, each in enumerate(dimensions) if each.names]
    columns = "".join(f", n{number}.name as name{number}" for number, _ in listed)
    joins = " ".join(
        f"left join app.{each.names} n{number} on n{number}.organization_id = app.cur_org() and"
        f" n{number}.id = g.k{number}"
        for number, each in listed
    )
    return columns, joins


def _row(
    row: dict[str, Any], dimensions: Sequence[Dimension], counts: Sequence[str], keys: Sequence[str]
) -> dict[str, Any]:
    made: dict[str, Any] = {name: int(row[name] or 0) for name in (*counts, "payments")}
    for number, name in enumerate(MONEY):
        made[name] = {
            currency: Decimal(sums[number])
            for currency, sums in sorted((row["money"] or {}).items())
        }
    figures = {key: _figure(key, made, row["lead_hours"]) for key in keys}
    for number, each in enumerate(dimensions):
        figures[each.key] = row[f"name{number}"] if each.names else row[f"k{number}"]
        if each.names:
            figures[f"{each.key}_id"] = row[f"k{number}"]
    return figures


def _figure(key: str, made: dict[str, Any], lead_hours: Decimal | None) -> Any:
    if key in RATES:
        part, whole = RATES[key]
        return _ratio(made[part], sum(made[name] for name in whole))
    if key in PER_CALL:
        calls = made[PER_CALL[key]]
        return (
            {currency: cash / calls for currency, cash in made["cash_collected"].items()}
            if calls
            else {}
        )
    if key == "booking_lead_time":
        return float(lead_hours or 0) / made["booked_calls"] if made["booked_calls"] else None
    return made[key]


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
