"""Figures of a period, grouped and narrowed by any dimensions: one statement, which reads each fact
once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.catalog import (
    FACTS,
    METRICS,
    Count,
    Measure,
    Metric,
    Percentile,
    PerCount,
    Ratio,
    Sum,
    metric_of,
    parts_of,
)
from core.metrics.dimensions import RESULTS, Dimension, dimension
from core.metrics.facts import Fact, parameters_of
from core.metrics.figures import Figures, Key, Row, Values
from core.metrics.filters import Filters
from core.metrics.units import MONEY, Value
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
    return metrics_tables(db, period, (by,), filters, at=at, only=only)[0]


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
    groups: Sequence[Sequence[str | Dimension]],
    filters: Filters | None = None,
    *,
    at: datetime | None = None,
    only: Collection[str | Metric] = METRICS.keys(),
) -> list[Figures]:
    """The same for several groupings at once, each as ``metrics_table`` answers it."""
    metrics = list(by_key(map(metric_of, only)).values())
    query = _query(groups, metrics, filters or Filters())
    parameters = {
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
        "timezone": period.timezone,
        "now": at or now(),
        **prepared(db, [parts[0].fact for parts in query.read.values()]),
        **query.filters.values,
    }
    found = db.execute(text(query.sql()), parameters).mappings()
    return _answers(query, metrics, [dict(row) for row in found])


def tables_read(
    groups: Sequence[Sequence[str | Dimension]],
    only: Iterable[str | Metric],
    filters: Filters | None = None,
) -> list[str]:
    """The tables that ``metrics_tables`` reads for the figures ``only`` in these groupings."""
    return sorted(set(TABLE.findall(_query(groups, only, filters or Filters()).sql())))


@cache
def modules_of(metric: str) -> frozenset[str]:
    """The modules without which there is no such figure: those of all facts whose rows it reads."""
    read = tables_read([()], [metric])
    return frozenset(fact.module for fact in FACTS.values() if fact.module and fact.table in read)


def prepared(db: Session, facts: Iterable[Fact]) -> dict[str, Any]:
    """Make a transaction ready for figures of ``facts``, and give the values of their parameters;
    what was read once in the transaction is not read again.

    From then on each statement is planned for its own period and filters. After ten runs on a
    connection Postgres would settle on one plan for any values, which takes twice as long for a
    month. It also overrates how many groups there will be, and with little memory would sort a
    year's rows on disk instead of counting them in place.
    """
    known: dict[str, Any] = db.info.setdefault(PARAMETERS, {})  # by their SQL
    wanted = parameters_of(facts)
    asked = {name: value for name, value in wanted.items() if value not in known}
    if asked or not known:
        settled = (
            "set_config('plan_cache_mode', 'force_custom_plan', true) as planning",
            "set_config('work_mem', '64MB', true) as memory",
        )
        columns = (f"{value} as {name}" for name, value in asked.items())
        found = db.execute(text(f"select {', '.join([*settled, *columns])}")).mappings().one()
        known |= {READY: True} | {asked[name]: found[name] for name in asked}
    return {name: known[value] for name, value in wanted.items()}


def _query(
    groups: Sequence[Sequence[str | Dimension]], only: Iterable[str | Metric], filters: Filters
) -> Query:
    return Query(
        tuple(tuple(_dimension(each) for each in group) for group in groups),
        tuple(by_key(part for each in only for part in parts_of(each)).values()),
        filters,
    )


def _dimension(each: str | Dimension) -> Dimension:
    return dimension(each) if isinstance(each, str) else each


@dataclass(frozen=True)
class Query:
    """What one statement is asked for.

    Each fact is read once and grouped by all ``sets`` at a time; then what was read is laid on top
    of each other. ``cut`` tells the sets apart: it is the number that ``grouping()`` gives a row,
    with a bit for every dimension that the row is not grouped by.
    """

    groups: tuple[tuple[Dimension, ...], ...]
    parts: tuple[Measure, ...]
    filters: Filters

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(dict.fromkeys(each for group in self.groups for each in group))

    @cached_property
    def keys(self) -> list[str]:
        return [f"k{number}" for number in range(len(self.dimensions))]

    def key(self, each: Dimension) -> str:
        return f"k{self.dimensions.index(each)}"

    def cut_of(self, group: Sequence[Dimension]) -> int:
        """The ``cut`` of the rows of one of the groups."""
        return int("".join("01"[each not in group] for each in self.dimensions) or "0", 2)

    @cached_property
    def sets(self) -> tuple[tuple[Dimension, ...], ...]:
        """What is grouped by: the groups, and nothing, where the whole cannot be added up of them;
        percentiles of groups are none of the whole.
        """
        added = all(not isinstance(part, Percentile) for part in self.parts)
        return self.groups if added or () in self.groups else (*self.groups, ())

    @property
    def whole(self) -> int:
        """The ``cut`` of the rows that add up to the whole."""
        return self.cut_of(() if () in self.sets else self.groups[0])

    @cached_property
    def read(self) -> dict[str, list[Measure]]:
        """By a name what is read of one fact. Money is grouped by its currency, which counts and
        sums can be added up of; percentiles beside it are read for themselves.
        """
        found: dict[str, list[Measure]] = {}
        for key, fact in by_key(part.fact for part in self.parts).items():
            parts = [part for part in self.parts if part.fact is fact]
            if self._money(parts):
                added = [part for part in parts if not isinstance(part, Percentile)]
                found[f"{key}_percentiles"] = [part for part in parts if part not in added]
                parts = added
            found[key] = parts
        return {name: parts for name, parts in found.items() if parts}

    def sql(self) -> str:
        """The statement. Columns: cut, the keys, the name of each listed key (``name_k0``, …), what
        is measured, and the money of each fact (``money_payments``, …).
        """
        read = self.read
        columns = [(part.key, _type(part)) for part in self.parts if not _is_money(part)]
        columns += [(_money_of(name), "jsonb") for name in read if self._money(read[name])]
        made = [cte for name in read for cte in self._fact(name)]
        if len(read) > 1:
            made += self._together(columns)
        whole = "figures" if len(read) > 1 else f"of_{next(iter(read))}"
        listed = [each for each in self.dimensions if each.names]
        names = "".join(f", name_{self.key(each)}.name as name_{self.key(each)}" for each in listed)
        joins = " ".join(
            f"left join app.{each.names} name_{self.key(each)} on name_{self.key(each)}"
            f".organization_id = app.cur_org() and name_{self.key(each)}.id = f.{self.key(each)}"
            for each in listed
        )
        order = ", ".join(f"f.{name}" for name in ("cut", *self.keys))
        return f"with {', '.join(made)} select f.*{names} from {whole} f {joins} order by {order}"

    def _fact(self, name: str) -> Iterator[str]:
        """The rows of one fact, grouped."""
        parts = self.read[name]
        fact, money = parts[0].fact, self._money(parts)
        numbers = [f"{_number(part)} as {part.key}" for part in parts if not _is_money(part)]
        sums = [f"sum({part.value}) {_only(part)} as {part.key}" for part in money]
        currency = [f"{fact.currency} as currency"] if money else []
        yield f"""{"per_currency_of_" if money else "of_"}{name} as (
            select {", ".join([self._cut(), *self.keys, *currency, *numbers, *sums])}
              from app.{fact.table} {fact.table} {fact.joins_for(self.dimensions)}
              {self._keys_of(fact)}
             where {fact.instant} >= :starts_at and {fact.instant} < :ends_at
               and {fact.condition}{fact.narrowed(self.filters)}
             {self._grouped(fact.currency if money else None)}
        )"""
        if money:
            added = [f"sum({part.key}) as {part.key}" for part in parts if not _is_money(part)]
            amounts = ", ".join(f"{part.key}::text" for part in money)
            folded = f"""jsonb_object_agg(currency, jsonb_build_array({amounts}))
                         as {_money_of(name)}"""
            yield f"""of_{name} as (
                select {", ".join(["cut", *self.keys, *added, folded])}
                  from per_currency_of_{name} group by {", ".join(["cut", *self.keys])}
            )"""

    def _keys_of(self, fact: Fact) -> str:
        """The keys as columns, so that ``grouping()`` can name them."""
        if not self.dimensions:
            return ""
        keys = (f"{fact.key_of(each)} as {self.key(each)}" for each in self.dimensions)
        return f"cross join lateral (select {', '.join(keys)}) keys"

    def _cut(self) -> str:
        return f"grouping({', '.join(self.keys)}) as cut" if len(self.sets) > 1 else "0 as cut"

    def _grouped(self, currency: str | None) -> str:
        sets = (f"({', '.join(self.key(each) for each in group)})" for group in self.sets)
        by = [currency] if currency else []
        if len(self.sets) > 1:
            by.append(f"grouping sets ({', '.join(sets)})")
        elif self.keys:
            by += self.keys
        return f"group by {', '.join(by)}" if by else ""

    def _together(self, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
        """What was read on top of each other, and then one row for each combination of keys."""
        keys = ", ".join(["cut", *self.keys])
        branches = (
            f"select {keys}, "
            + ", ".join(
                f"{name}::{kind} as {name}" if self._of(read, name) else f"null::{kind} as {name}"
                for name, kind in columns
            )
            + f" from of_{read}"
            for read in self.read
        )
        one = ", ".join(
            f"(array_agg({name}) filter (where {name} is not null))[1] as {name}"
            if kind == "jsonb"
            else f"sum({name}) as {name}"
            for name, kind in columns
        )
        yield f"laid as ({' union all '.join(branches)})"
        yield f"figures as (select {keys}, {one} from laid group by {keys})"

    def _of(self, read: str, column: str) -> bool:
        return column == _money_of(read) or any(part.key == column for part in self.read[read])

    @staticmethod
    def _money(parts: Sequence[Measure]) -> list[Sum]:
        return [part for part in parts if isinstance(part, Sum) and _is_money(part)]


def _is_money(part: Measure) -> bool:
    return part.unit is MONEY


def _money_of(read: str) -> str:
    return f"money_{read}"


def _type(part: Measure) -> str:
    if isinstance(part, Percentile):
        return "double precision"
    return "bigint" if isinstance(part, Count) else "numeric"


def _only(part: Measure) -> str:
    return "" if part.condition == "true" else f"filter (where {part.condition})"


def _number(part: Measure) -> str:
    if isinstance(part, Sum):
        rows = f"sum({part.value})"
    elif isinstance(part, Percentile):
        rows = f"percentile_cont({part.share}) within group (order by {part.value})"
    else:
        rows = "count(*)"
    return part.unit.number.format(rows=f"{rows} {_only(part)}")


def _answers(
    query: Query, metrics: Sequence[Metric], found: Sequence[Mapping[str, Any]]
) -> list[Figures]:
    groups = {query.cut_of(group): group for group in query.sets}
    sums: dict[int, list[Sums]] = {cut: [] for cut in groups}
    rows: dict[int, list[Row]] = {cut: [] for cut in groups}
    for row in found:
        cut, made = row["cut"], _sums(query, row)
        sums[cut].append(made)
        known = _known(metrics, made, query.filters, groups[cut])
        rows[cut].append(Row(_keys(query, groups[cut], row), known))
    none = _sums(query, {})  # money alone leaves no row where there is none
    whole = _known(metrics, _added([none, *sums[query.whole]]), query.filters)
    return [
        Figures(group, metrics, rows[cut] if group else [Row({}, whole)], whole)
        for cut, group in groups.items()
        if group in query.groups
    ]


def nothing_of(metrics: Sequence[Metric]) -> Values:
    """The figures of no rows at all."""
    parts = by_key(part for each in metrics for part in parts_of(each)).values()
    none = {part.key: {} if _is_money(part) else _measured(part, None) for part in parts}
    return _values(metrics, none)


def _measured(part: Measure, answered: Any) -> Any:
    """The number that the database answered, None where there are no rows."""
    if isinstance(part, Percentile):
        return answered
    return Decimal(answered or 0) if isinstance(part, Sum) else int(answered or 0)


def _added(sums: Sequence[Sums]) -> Sums:
    """The rows of one group together, which are the whole."""
    made = dict(sums[0])
    for each in sums[1:]:
        for key, value in each.items():
            made[key] = _plus(made[key], value)
    return made


def _plus(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    if not isinstance(one, Mapping):
        return one + other
    names = sorted({*one, *other})
    return {name: one.get(name, Decimal(0)) + other.get(name, Decimal(0)) for name in names}


def _keys(query: Query, group: Sequence[Dimension], row: Mapping[str, Any]) -> dict[str, Key]:
    made = {}
    for each in group:
        key = query.key(each)
        made[each.key] = Key(row[key], row[f"name_{key}"] if each.names else row[key])
    return made


def _sums(query: Query, row: Mapping[str, Any]) -> Sums:
    """What a row counts and sums, by key; nothing of everything for no row."""
    made: Sums = {}
    for name, parts in query.read.items():
        amounts = sorted((row.get(_money_of(name)) or {}).items())
        money = (part for part in parts if _is_money(part))
        for number, part in enumerate(money):
            made[part.key] = {currency: Decimal(each[number] or 0) for currency, each in amounts}
        for part in parts:
            if not _is_money(part):
                made[part.key] = _measured(part, row.get(part.key))
    return made


def _known(
    metrics: Sequence[Metric], sums: Sums, filters: Filters, group: Sequence[Dimension] = ()
) -> Values:
    """The figures of rows that are narrowed, and grouped: of one result there is no rate."""
    values = _values(metrics, sums)
    if not any(each.is_result for each in group) and not RESULTS.keys() & filters.chosen.keys():
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
