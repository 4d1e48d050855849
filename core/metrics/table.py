"""Figures of a period, as the one statement of ``core.metrics.query`` answers them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.catalog import FACTS, METRICS, metric_of, parts_of
from core.metrics.dimensions import Dimension
from core.metrics.facts import Fact, parameters_of
from core.metrics.figures import Figures, Key, Row, Values
from core.metrics.filters import Filters
from core.metrics.kinds import Measure, Metric, Percentile, PerCount, Ratio, Sum
from core.metrics.query import Grouping, Query, is_money
from core.metrics.units import Value
from core.platform.clock import Period, now
from core.platform.declarations import by_key

Sums = dict[str, Any]  # by key: a number, None for no percentile, money as in Values
PARAMETERS, READY = "parameters of facts", "ready"
TABLE = re.compile(r"\bapp\.(\w+)\b(?!\()")  # and no function


def metrics_table(
    db: Session,
    period: Period,
    by: Sequence[str | Dimension] = (),
    filters: Filters | None = None,
    *,
    at: datetime | None = None,
    only: Collection[str | Metric] = METRICS.keys(),
) -> Figures:
    """The figures ``only`` of ``period``, one row per combination of ``by`` (see ``dimensions``),
    as the viewer may see them; without ``by`` there is exactly one row.

    ``at`` is what counts as now. Raises InvalidInput for a dimension that does not exist.
    """
    return metrics_tables(db, period, [Grouping(by, only)], filters, at=at)[0]


def totals(
    db: Session,
    period: Period,
    filters: Filters | None = None,
    *,
    at: datetime | None = None,
    only: Collection[str | Metric] = METRICS.keys(),
) -> Values:
    """The figures of the whole period."""
    return metrics_table(db, period, (), filters, at=at, only=only).totals


def metrics_tables(
    db: Session,
    period: Period,
    groupings: Sequence[Grouping],
    filters: Filters | None = None,
    *,
    at: datetime | None = None,
) -> list[Figures]:
    """The same for several groupings at once, each as ``metrics_table`` answers it."""
    query = Query(tuple(groupings), filters or Filters())
    parameters = {
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
        "timezone": period.timezone,
        "now": at or now(),
        **prepared(db, [parts[0].fact for parts in query.read.values()]),
        **query.filters.values,
    }
    found = db.execute(text(query.sql()), parameters)
    names = tuple(found.keys())
    return _answers(query, [dict(zip(names, row, strict=True)) for row in found])


def tables_read(groupings: Iterable[Grouping], filters: Filters | None = None) -> list[str]:
    """The tables that ``metrics_tables`` reads for these groupings."""
    query = Query(tuple(groupings), filters or Filters())
    values = parameters_of(parts[0].fact for parts in query.read.values()).values()
    return sorted({table for sql in (query.sql(), *values) for table in TABLE.findall(sql)})


@cache
def modules_of(metric: str) -> frozenset[str]:
    """The modules without which there is no such figure: those of all facts whose rows it reads."""
    read = tables_read([Grouping((), [metric])])
    return frozenset(fact.module for fact in FACTS.values() if fact.module and fact.table in read)


def prepared(db: Session, facts: Iterable[Fact]) -> dict[str, Any]:
    """Make a transaction ready for figures of ``facts``, and give the values of their parameters;
    what was read once in the transaction is not read again.

    From then on each statement is planned for its own period and filters. After ten runs on a
    connection Postgres would settle on one plan for any values, which takes twice as long for a
    month. It also overrates how many groups there will be, and with little memory would sort a
    year's rows on disk instead of counting them in place; where it can compile expressions, it
    would take longer over that than over the rows.
    """
    known: dict[str, Any] = db.info.setdefault(PARAMETERS, {})  # by their SQL
    wanted = parameters_of(facts)
    asked = {name: value for name, value in wanted.items() if value not in known}
    if asked or not known:
        settled = (
            "set_config('plan_cache_mode', 'force_custom_plan', true) as planning",
            "set_config('work_mem', '64MB', true) as memory",
            "set_config('jit', 'off', true) as compiled",
        )
        columns = (f"{value} as {name}" for name, value in asked.items())
        found = db.execute(text(f"select {', '.join([*settled, *columns])}")).mappings().one()
        known |= {READY: True} | {asked[name]: found[name] for name in asked}
    return {name: known[value] for name, value in wanted.items()}


def _answers(query: Query, found: Iterable[Mapping[str, Any]]) -> list[Figures]:
    rows: dict[int, list[Mapping[str, Any]]] = {cut: [] for cut in query.cuts.values()}
    for row in found:
        rows[row["cut"]].append(row)
    return [_figures(query, each, rows) for each in query.groupings]


def _figures(
    query: Query, grouping: Grouping, found: Mapping[int, Sequence[Mapping[str, Any]]]
) -> Figures:
    cut, whole = query.cuts[query.set_of(grouping)], query.whole_of(grouping)
    metrics, by, parts = grouping.metrics, grouping.dimensions, list(grouping.parts.values())
    sums = [_sums(query, parts, row) for row in found[cut]]
    of_all = sums if whole == cut else [_sums(query, parts, row) for row in found[whole]]
    # money alone leaves no row where there is none
    everything = _added(parts, of_all or [_sums(query, parts, {})])
    together = _known(metrics, everything, query.filters)
    if not by:
        return Figures(by, metrics, [Row({}, together)], together)
    rows = [
        Row(_keys(query, by, row), _known(metrics, made, query.filters, by))
        for row, made in zip(found[cut], sums, strict=True)
    ]
    return Figures(by, metrics, rows, together)


def values_of_row(query: Query, grouping: Grouping, row: Mapping[str, Any]) -> Values:
    """The figures of one row of a grouping, of which nothing is known where all is null."""
    sums = _sums(query, list(grouping.parts.values()), row)
    return _known(grouping.metrics, sums, query.filters, grouping.dimensions)


def nothing_of(metrics: Sequence[Metric]) -> Values:
    """The figures of no rows at all."""
    parts = by_key(part for each in metrics for part in parts_of(each)).values()
    none = {part.key: {} if is_money(part) else _measured(part, None) for part in parts}
    return _values(metrics, none)


def _measured(part: Measure, answered: Any) -> Any:
    """The number that the database answered, None where there are no rows."""
    if isinstance(part, Percentile):
        return answered
    return Decimal(answered or 0) if isinstance(part, Sum) else int(answered or 0)


def _added(parts: Sequence[Measure], sums: Sequence[Sums]) -> Sums:
    """The rows of one group together, which are the whole. Of percentiles there is one row."""
    return {part.key: _together([each[part.key] for each in sums], part) for part in parts}


def _together(numbers: Sequence[Any], part: Measure) -> Any:
    if not is_money(part):
        return numbers[0] if len(numbers) == 1 else sum(numbers)
    found: dict[str, Decimal] = {}
    for money in numbers:
        for currency, amount in money.items():
            found[currency] = found.get(currency, Decimal(0)) + amount
    return dict(sorted(found.items()))


def _keys(query: Query, group: Sequence[Dimension], row: Mapping[str, Any]) -> dict[str, Key]:
    made = {}
    for each in group:
        key = query.key(each)
        made[each.key] = Key(row[key], row[f"name_{key}"] if each.names else row[key])
    return made


def _sums(query: Query, parts: Sequence[Measure], row: Mapping[str, Any]) -> Sums:
    """What a row counts and sums, by key; nothing of everything for no row."""
    return {
        part.key: _money_in(row, *query.amounts[part.key])
        if is_money(part)
        else _measured(part, row.get(part.key))
        for part in parts
    }


def _money_in(row: Mapping[str, Any], column: str, place: int) -> dict[str, Decimal]:
    amounts = row.get(column) or {}
    return {currency: Decimal(amounts[currency][place] or 0) for currency in sorted(amounts)}


def _known(
    metrics: Sequence[Metric], sums: Sums, filters: Filters, group: Sequence[Dimension] = ()
) -> Values:
    """The figures of rows that are narrowed, and grouped: of one result there is no rate."""
    values = _values(metrics, sums)
    if not any(each.is_result for each in group) and not filters.results:
        return values
    return Values(values | {each.key: None for each in metrics if not _is_of_results(each)})


def _is_of_results(metric: Metric) -> bool:
    if isinstance(metric, PerCount):
        return metric.of_results
    return not isinstance(metric, Ratio)


def _values(metrics: Sequence[Metric], sums: Sums) -> Values:
    return Values((metric.key, _value(metric, sums)) for metric in metrics)


def _value(metric: Metric, sums: Sums) -> Value:
    if isinstance(metric, Ratio):
        whole = sum(sums[key] for key in metric.whole)
        return sums[metric.part] / whole if whole else None
    if isinstance(metric, PerCount):
        return metric.unit.per(sums[metric_of(metric.total).key], sums[metric.count])
    return metric.unit.read(sums[metric.key])
