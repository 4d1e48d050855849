"""How far a figure lies from that of the earlier period, or why there is nothing to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.catalog import METRICS, parts_of
from core.metrics.facts import Fact
from core.metrics.figures import Values
from core.metrics.filters import Filters
from core.metrics.kinds import SMALL_SAMPLE, Ratio
from core.metrics.units import RATE
from core.platform.clock import Period
from core.platform.notation import notation

TENFOLD = 900  # per cent
LATE = 10  # the first row may come within a tenth of the earlier period, as after a weekend


@dataclass(frozen=True)
class Change:
    """``moved`` is measured as the figure's unit says; where it is None, ``why`` says why."""

    moved: float | None
    why: str = ""


def change_of(
    key: str,
    now: Values,
    before: Values,
    earlier: Period,
    first_days: Mapping[str, date | None],
    currency: str,
) -> Change:
    """The change of a figure since the ``earlier`` period, whose figures are ``before``."""
    if why := nothing_before(key, earlier, first_days):
        return Change(None, why)
    unit, found = METRICS[key].unit, METRICS[key]
    if isinstance(found, Ratio):
        for when, values in (("before", before), ("now", now)):
            sample = sum(map(values.count, found.whole))
            if sample < SMALL_SAMPLE:
                return Change(None, f"only {sample} {when}" if sample else f"none {when}")
    elif not unit.plain(before[key], currency):
        return Change(None, "none before")
    moved = unit.moved(now[key], before[key], currency)
    if moved is not None and abs(moved) > TENFOLD and unit is not RATE:
        return Change(None, f"only {unit.text(before[key], currency)} before")
    return Change(moved)


def nothing_before(key: str, earlier: Period, first_days: Mapping[str, date | None]) -> str:
    """Why a figure of the earlier period would be of a time of which nothing is recorded; empty
    where it is not.
    """
    facts = {part.fact.key for part in parts_of(key)}
    days = [first_days.get(fact) for fact in facts]
    if None in days:
        return "nothing before"
    first = max(day for day in days if day is not None)
    if first < earlier.start + timedelta(days=max(1, earlier.days // LATE)):
        return ""
    return f"nothing before {notation().day(first, year=first.year != earlier.end.year)}"


def first_days(
    db: Session, facts: Mapping[str, Fact], timezone: str, filters: Filters
) -> dict[str, date | None]:
    """By the facts' keys the day of the first row of each that the caller sees and the filters
    leave; None where there is none.
    """
    firsts = ", ".join(
        f"""(select (min({fact.instant}) at time zone :timezone)::date
          from app.{fact.table} {fact.table}
         where {fact.table}.organization_id = app.cur_org() and {fact.condition}
               {fact.narrowed(filters)}) as {key}"""
        for key, fact in facts.items()
    )
    values = {"timezone": timezone, **filters.values}
    return dict(db.execute(text(f"select {firsts}"), values).mappings().one())
