"""How finely a period is cut for a chart: into days, weeks, which begin on a Monday, or months of
the organisation's calendar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from core.metrics.comparison import Comparison
from core.metrics.dimensions import Dimension
from core.platform.clock import Period, day_start

Grain = Literal["day", "week", "month"]
GRAINS: tuple[Grain, ...] = ("day", "week", "month")
MOST_DAYS, MOST_WEEKS = 31, 27  # half a year is up to 27 calendar weeks


def grain_of(period: Period) -> Grain:
    """The grain that suits the length of a period."""
    if period.days <= MOST_DAYS:
        return "day"
    return "week" if period.days <= MOST_WEEKS * 7 else "month"


@dataclass(frozen=True)
class Slice:
    """A day, week or month as far as it lies in the period; ``key`` is its first day in the
    calendar, which may lie before the period.
    """

    key: date
    period: Period
    is_whole: bool

    @property
    def days(self) -> Iterator[date]:
        return (self.period.start + timedelta(days=place) for place in range(self.period.days))


def slices(period: Period, grain: Grain) -> list[Slice]:
    """The period in its order, without gaps; the first and the last may be parts of a week or
    month.
    """
    made = []
    key = _begin(period.start, grain)
    while key < period.end:
        after = _after(key, grain)
        start, end = max(key, period.start), min(after, period.end)
        whole = (start, end) == (key, after)
        made.append(Slice(key, Period(start, end, period.timezone), whole))
        key = after
    return made


def earlier_slices(
    parts: Iterable[Slice], grain: Grain, comparison: Comparison
) -> list[Period | None]:
    """What lies beside each slice of the present period: the days at its place in the earlier one.
    Where a week or month ends with its month, these are the rest of that earlier month, however
    long it is; a day has the day of its number. What has not come so far is not in it; None where
    nothing is left.
    """
    return [_earlier(part, grain, comparison) for part in parts]


def _earlier(part: Slice, grain: Grain, comparison: Comparison) -> Period | None:
    whole, start = comparison.earlier, comparison.cut_before(part.period.start)
    end = comparison.cut_before(part.period.end)
    if grain == "day":
        end = min(end, start + timedelta(days=1))
    if end <= start or day_start(start, whole.timezone) >= whole.ends_at:
        return None
    last = (whole.ends_at - timedelta(microseconds=1)).astimezone(ZoneInfo(whole.timezone))
    end = min(end, last.date() + timedelta(days=1))
    found = Period(start, end, whole.timezone)
    return found if found.ends_at <= whole.ends_at else replace(found, until=whole.ends_at)


def beside(earlier: Sequence[Period | None]) -> tuple[Dimension, dict[Period, int]]:
    """What the earlier period is grouped by so that each of its slices is a group, and the key of
    each.
    """
    found = [part for part in earlier if part]
    edges = sorted({day for part in found for day in (part.start, part.end)})
    days = ", ".join(f"date '{day}'" for day in edges)
    cut = f"width_bucket({{local}}::date, array[{days}]::date[])"
    keys = {part: edges.index(part.start) + 1 for part in found}
    return Dimension("beside", "Beside", "int", cut=cut), keys


def _begin(day: date, grain: Grain) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day if grain == "day" else day.replace(day=1)


def _after(key: date, grain: Grain) -> date:
    if grain == "month":
        return (key + timedelta(days=32)).replace(day=1)
    return key + timedelta(days=7 if grain == "week" else 1)
