"""How finely a period is cut for a chart: into days, weeks, which begin on a Monday, or months of
the organisation's calendar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from core.metrics.comparison import Comparison
from core.metrics.dimensions import Dimension
from core.platform.clock import Period

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


def beside(comparison: Comparison, grain: Grain) -> Dimension:
    """What the earlier period is grouped by to lie under the present one: the week or month in
    which a moment would lie as many days or months later. A day that the later month lacks goes to
    its last day. A single day has no such place, see ``Comparison.beside``.
    """
    shift = f"make_interval(months => {comparison.months}, days => {comparison.days})"
    return Dimension(
        "beside", "Beside", "date", cut=f"date_trunc('{grain}', {{local}} + {shift})::date"
    )


def _begin(day: date, grain: Grain) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day if grain == "day" else day.replace(day=1)


def _after(key: date, grain: Grain) -> date:
    if grain == "month":
        return (key + timedelta(days=32)).replace(day=1)
    return key + timedelta(days=7 if grain == "week" else 1)
