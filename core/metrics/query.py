"""The statement that reads figures, grouped and narrowed by any dimensions: each fact once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard

from core.metrics.catalog import metric_of, parts_of
from core.metrics.dimensions import LOCAL, Dimension, dimension
from core.metrics.filters import Filters
from core.metrics.kinds import Count, Measure, Metric, Percentile, Sum
from core.metrics.units import MONEY
from core.platform.declarations import by_key

Set = tuple[Dimension, ...]


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
        """The sets of dimensions that the statement groups by, with the measures of each. Besides
        those that are asked for there is the empty set, the whole, for percentiles: that of a whole
        cannot be computed from those of its groups.
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
        columns = [(part.key, _type(part)) for part in self.parts if not is_money(part)]
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
        numbers = [f"{_number(part)} as {part.key}" for part in parts if not is_money(part)]
        sums = [f"{_number(part)} as {part.key}" for part in money]
        currency = ["currency"] if money else []
        yield f"""{"per_currency_of_" if money else "of_"}{name} as (
            select {", ".join([self._cut(sets, by), *keys, *currency, *numbers, *sums])}
              from ({self._rows(parts, sets, by)}) counted {self._calendar(by)}
             {self._grouped(sets, currency)}
        )"""
        if money:
            added = [f"sum({part.key}) as {part.key}" for part in parts if not is_money(part)]
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
        return [part for part in parts if isinstance(part, Sum) and is_money(part)]


def is_money(part: Measure) -> bool:
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
