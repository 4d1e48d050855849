"""Figures of everybody on a list, in several periods at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.metrics.catalog import FACTS, facts_of
from core.metrics.dimensions import Dimension, dimension
from core.metrics.facts import Fact
from core.metrics.figures import Key, Row
from core.metrics.filters import Filters
from core.metrics.query import Grouping, Query
from core.metrics.table import prepared, values_of_row
from core.platform.clock import Period

SHORT_DAYS = 92


def members_tables(
    db: Session,
    periods: Sequence[Period],
    by: str,
    only: Sequence[str],
    present: Sequence[str],
    at: datetime,
) -> list[list[Row]]:
    """For each of the periods the figures ``only``, as they are at the instant ``at``, of the
    entries of the dimension's list that have any row in it of a fact that the figures are counted
    from, or of one of the facts ``present``.
    """
    short = all(period.days <= SHORT_DAYS for period in periods)
    asked = _asked(by, tuple(only), tuple(present), len(periods), short)
    parameters: dict[str, Any] = {"now": at}
    for place, period in enumerate(periods):
        parameters |= {f"starts_{place}": period.starts_at, f"ends_{place}": period.ends_at}
    if asked.is_planned_anew or asked.has_parameters:
        parameters |= prepared(db, asked.facts)
    found: list[list[Row]] = [[] for _ in periods]
    answer = db.execute(asked.statement, parameters)
    names = tuple(answer.keys())
    for values in answer:
        row = dict(zip(names, values, strict=True))
        key = Key(row["entry_id"], row["entry_name"])
        found[row["place"]].append(Row({by: key}, values_of_row(asked.query, asked.grouping, row)))
    return found


@dataclass(frozen=True)
class _Asked:
    """A statement and what its rows mean."""

    query: Query
    grouping: Grouping
    facts: Sequence[Fact]
    statement: TextClause
    is_planned_anew: bool
    has_parameters: bool


@cache
def _asked(
    by: str, only: tuple[str, ...], present: tuple[str, ...], count: int, short: bool
) -> _Asked:
    """Planning takes as long as reading a month. So for short periods, which are read through the
    same indexes whatever their bounds, Postgres has one statement that it can plan once and for
    all; of long ones each is planned for itself, and may be read by several processes.
    """
    grouping, facts = Grouping((by,), only), list(facts_of(only).values())
    others = [FACTS[key] for key in present if FACTS[key] not in facts]
    bounds = [
        (f"cast(:starts_{place} as timestamptz)", f"cast(:ends_{place} as timestamptz)")
        for place in range(count)
    ]

    def members(starts_at: str, ends_at: str) -> str:
        query = Query((grouping,), Filters(), starts_at, ends_at)
        return _members(query, dimension(by), others)

    if short:
        parts = ", ".join(f"({place}, {', '.join(each)})" for place, each in enumerate(bounds))
        sql = f"""select part.place, member.* from (values {parts}) part (place, starts_at, ends_at)
            cross join lateral ({members("part.starts_at", "part.ends_at")}) member"""
    else:
        sql = " union all ".join(
            f"select {place} as place, member.* from ({members(*each)}) member"
            for place, each in enumerate(bounds)
        )
    named = any(f":{name}" in sql for fact in facts for name in fact.parameters)
    query = Query((grouping,), Filters())
    return _Asked(query, grouping, facts, text(sql), not short, named)


def _members(query: Query, entries: Dimension, others: Sequence[Fact]) -> str:
    """Columns: entry_id, entry_name, and those of ``Query.figures``."""
    made, figures = query.figures()
    has_rows = " or ".join(
        ["f.cut is not null", *(_first(query, each, entries) for each in others)]
    )
    return f"""with {made}
        select entry.id as entry_id, entry.name as entry_name, f.*
          from app.{entries.names} entry
          left join {figures} f on f.{query.key(entries)} = entry.id
         where entry.organization_id = app.cur_org() and ({has_rows})"""


def _first(query: Query, fact: Fact, entries: Dimension) -> str:
    """True where the entry has a row of a fact in the period, else null. The first of them in the
    order of entry and instant is looked for, which nothing but the index of both can give; asked
    whether there is any, Postgres might take that of the instant alone, and read all the rows of
    the period to find that there is none.
    """
    place = f"{fact.key_of(entries)}, {fact.instant}"
    return f"""(select true from app.{fact.table} {fact.table}
        where {fact.table}.organization_id = app.cur_org()
          and ({place}) >= (entry.id, {query.starts_at}) and ({place}) < (entry.id, {query.ends_at})
          and {fact.condition}
        order by {place} limit 1)"""
