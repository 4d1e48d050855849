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
from typing import Any, TypeGuard

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
from core.metrics.dimensions import LOCAL, RESULTS, Dimension, dimension
from core.metrics.facts import Fact, parameters_of
from core.metrics.figures import Figures, Key, Row, Values
from core.metrics.filters import Filters
from core.metrics.units import MONEY, Value
from core.platform.clock import Period, now
from core.platform.declarations import by_key

Set = tuple[Dimension, ...]
Sums = dict[str, Any]  # by key: a number, None for no percentile, money as in Values
PARAMETERS, READY = "parameters of facts", "ready"
TABLE = re.compile(r"\bapp\.(\w+)\b(?!\()")  # and no function


@dataclass(frozen=True)
class Grouping:
    """The figures ``only``, one row per combination of ``by``."""

    by: Sequence[str | Dimension]
    only: Collection[str | Metric]

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(dimension(each) if isinstance(each, str) else each for each in self.by)

    @cached_property
    def metrics(self) -> list[Metric]:
        return list(by_key(map(metric_of, self.only)).values())

    @cached_property
    def parts(self) -> dict[str, Measure]:
        """What the figures are made of, by key."""
        return by_key(part for each in self.metrics for part in parts_of(each))


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
    return sorted(set(TABLE.findall(Query(tuple(groupings), filters or Filters()).sql())))


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


@dataclass(frozen=True)
class Query:
    """What one statement is asked for.

    Each fact is read once and grouped at a time by all ``sets`` that ask for something of it; then
    what was read is laid on top of each other. ``cut`` tells the sets apart: it is a row's place
    among them. ``starts_at`` and ``ends_at`` are the SQL of the period's bounds.
    """

    groupings: tuple[Grouping, ...]
    filters: Filters
    starts_at: str = ":starts_at"
    ends_at: str = ":ends_at"

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(dict.fromkeys(each for group in self.groupings for each in group.dimensions))

    @cached_property
    def keys(self) -> list[str]:
        return [self.key(each) for each in self.dimensions]

    def key(self, each: Dimension) -> str:
        return f"k{self.dimensions.index(each)}"

    def set_of(self, grouping: Grouping) -> Set:
        """What the rows of a grouping are grouped by."""
        return tuple(each for each in self.dimensions if each in grouping.dimensions)

    @cached_property
    def sets(self) -> dict[Set, dict[str, Measure]]:
        """What is grouped by, with the measures of each: what is asked for, and nothing, where the
        whole cannot be added up of groups; percentiles of groups are none of the whole.
        """
        found: dict[Set, dict[str, Measure]] = {}
        for each in self.groupings:
            found[self.set_of(each)] = found.get(self.set_of(each), {}) | each.parts
            if any(isinstance(part, Percentile) for part in each.parts.values()):
                found[()] = found.get((), {}) | each.parts
        return found

    @cached_property
    def cuts(self) -> dict[Set, int]:
        return {each: place for place, each in enumerate(self.sets)}

    def whole_of(self, grouping: Grouping) -> int:
        """The ``cut`` of the rows that add up to the whole of a grouping."""
        has_all = grouping.parts.keys() <= self.sets.get((), {}).keys()
        return self.cuts[() if has_all else self.set_of(grouping)]

    @cached_property
    def parts(self) -> list[Measure]:
        return list(
            by_key(part for parts in self.sets.values() for part in parts.values()).values()
        )

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

    @cached_property
    def amounts(self) -> dict[str, tuple[str, int]]:
        """Where the money of a measure stands: in which column, and at which place of it."""
        return {
            part.key: (_money_of(name), place)
            for name, parts in self.read.items()
            for place, part in enumerate(self._money(parts))
        }

    def sql(self) -> str:
        """The statement: the ``figures`` with the name of each listed key (``name_k0``, …)."""
        listed = [each for each in self.dimensions if each.names]
        names = "".join(f", name_{self.key(each)}.name as name_{self.key(each)}" for each in listed)
        joins = " ".join(
            f"left join app.{each.names} name_{self.key(each)} on name_{self.key(each)}"
            f".organization_id = app.cur_org() and name_{self.key(each)}.id = f.{self.key(each)}"
            for each in listed
        )
        order = ", ".join(f"f.{name}" for name in ("cut", *self.keys))
        made, figures = self.figures()
        return f"with {made} select f.*{names} from {figures} f {joins} order by {order}"

    def figures(self) -> tuple[str, str]:
        """What is read, as the queries of a ``with`` and the name of the last. Columns: cut, the
        keys, what is measured, and the money of each fact (``money_payments``, …).
        """
        read = self.read
        columns = [(part.key, _type(part)) for part in self.parts if not _is_money(part)]
        columns += [(_money_of(name), "jsonb") for name in read if self._money(read[name])]
        made = [cte for name in read for cte in self._fact(name)]
        if len(read) > 1:
            made += self._together(columns)
        return ", ".join(made), "figures" if len(read) > 1 else f"of_{next(iter(read))}"

    def _fact(self, name: str) -> Iterator[str]:
        """The rows of one fact, grouped."""
        parts = self.read[name]
        money = self._money(parts)
        sets = [each for each, asked in self.sets.items() if any(p.key in asked for p in parts)]
        by = [each for each in self.dimensions if any(each in one for one in sets)]
        keys = [
            self.key(each) if each in by else f"null::{each.kind} as {self.key(each)}"
            for each in self.dimensions
        ]
        numbers = [f"{_number(part)} as {part.key}" for part in parts if not _is_money(part)]
        sums = [f"{_number(part)} as {part.key}" for part in money]
        currency = ["currency"] if money else []
        yield f"""{"per_currency_of_" if money else "of_"}{name} as (
            select {", ".join([self._cut(sets, by), *keys, *currency, *numbers, *sums])}
              from ({self._rows(parts, sets, by)}) counted {self._calendar(by)}
             {self._grouped(sets, currency)}
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

    def _rows(self, parts: Sequence[Measure], sets: Sequence[Set], by: Sequence[Dimension]) -> str:
        """The rows of one fact with their keys, and of each measure whether it counts the row and
        what it sums.

        Without an offset Postgres would compute what is used more than once, as the local time of
        several keys and the conditions of several sets, each time anew, and would look for what is
        in another table row by row. A single number without keys is counted of nothing but its own
        rows, so that what is in another table is joined.
        """
        fact, cuts = parts[0].fact, [each for each in by if each.cut]
        conditions = {part.key: part.condition for part in parts if not _is_all(part)}
        only = ""
        if len(parts) == 1 and isinstance(parts[0], Count) and not by:
            only = f" and {parts[0].condition}"
            conditions = dict.fromkeys(conditions, "true")
        columns = [f"{fact.key_of(each)} as {self.key(each)}" for each in by if each.cut is None]
        if cuts:
            columns.append(f"{LOCAL.format(instant=fact.instant)} as local_time")
        if self._money(parts):
            columns.append(f"{fact.currency} as currency")
        columns += [f"{condition} as {key}_counts" for key, condition in conditions.items()]
        columns += [f"{part.value} as {part.key}_value" for part in parts if _has_value(part)]
        looks = any("select" in condition for condition in conditions.values())
        apart = "offset 0" if len(sets) > 1 or len(cuts) > 1 or looks else ""
        return f"""select {", ".join(columns)}
              from app.{fact.table} {fact.table} {fact.joins_for(by)}
             where {fact.instant} >= {self.starts_at} and {fact.instant} < {self.ends_at}
               and {fact.condition}{only}{fact.narrowed(self.filters)} {apart}"""

    def _calendar(self, by: Sequence[Dimension]) -> str:
        """The keys that are cut from the local time, as columns that ``grouping()`` can name."""
        cuts = [
            f"{each.cut.format(local='local_time')} as {self.key(each)}" for each in by if each.cut
        ]
        return f"cross join lateral (select {', '.join(cuts)}) calendar" if cuts else ""

    def _cut(self, sets: Sequence[Set], by: Sequence[Dimension]) -> str:
        """The place of a row's set. ``grouping()`` has a bit for every key that a row is not
        grouped by.
        """
        if len(sets) == 1:
            return f"{self.cuts[sets[0]]} as cut"
        bits = {one: "".join("01"[each not in one] for each in by) for one in sets}
        cases = " ".join(f"when {int(bits[one], 2)} then {self.cuts[one]}" for one in sets)
        return f"case grouping({', '.join(map(self.key, by))}) {cases} end as cut"

    def _grouped(self, sets: Sequence[Set], by: list[str]) -> str:
        keys = [", ".join(map(self.key, one)) for one in sets]
        if len(sets) > 1:
            by = [*by, f"grouping sets ({', '.join(f'({each})' for each in keys)})"]
        elif keys[0]:
            by = [*by, *keys]
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


def _is_all(part: Measure) -> bool:
    return part.condition == "true"


def _has_value(part: Measure) -> TypeGuard[Sum | Percentile]:
    return isinstance(part, Sum | Percentile)


def _number(part: Measure) -> str:
    """What the rows of ``Query._rows`` amount to."""
    value = f"{part.key}_value"
    if isinstance(part, Sum):
        rows = f"sum({value})"
    elif isinstance(part, Percentile):
        rows = f"percentile_cont({part.share}) within group (order by {value})"
    else:
        rows = "count(*)"
    only = "" if _is_all(part) else f" filter (where {part.key}_counts)"
    return part.unit.number.format(rows=rows + only)


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
    none = {part.key: {} if _is_money(part) else _measured(part, None) for part in parts}
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
    if not _is_money(part):
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
        if _is_money(part)
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
