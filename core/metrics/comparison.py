"""The earlier period that one is compared with: the same part of it, and day beside day."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from core.platform.clock import Period, day_start

With = Literal["previous", "year"]
MONTHS_OF_A_YEAR = 12
SAME_WEEKDAYS = 364  # 52 weeks


@dataclass(frozen=True)
class Comparison:
    """Two periods of the same length in the calendar's eyes: as much of each as has passed.

    Attributes:
        present: the period up to now; the whole of one that is over.
        earlier: the same part of the period that is ``months``, or else ``days``, before.
    """

    present: Period
    earlier: Period
    months: int
    days: int

    def beside(self, day: date) -> date | None:
        """The day of the earlier period that lies at the same place as ``day``; None when that
        month is too short to have it.
        """
        if not self.months:
            return day - timedelta(days=self.days)
        first = _months_before(day.replace(day=1), self.months)
        has_it = day.day <= monthrange(first.year, first.month)[1]
        return first.replace(day=day.day) if has_it else None

    def cut_before(self, day: date) -> date:
        """The day before which the earlier period is cut where the present one is cut before
        ``day``. The 31st of a month that has none: all of that month lies before it.
        """
        return self.beside(day) or _months_before(day.replace(day=1), self.months - 1)


def compared(period: Period, at: datetime, with_: With = "previous") -> Comparison | None:
    """``period`` beside the one before it, or the one a year before, as they are at the instant
    ``at``; None for one that has not begun, of which there is nothing to compare yet.

    A period in months lies beside whole months, and the 3rd at noon beside the 3rd at noon. Any
    other number of days lies beside as many days right before, and a year before beside the same
    weekdays.
    """
    if at <= period.starts_at:
        return None
    months, days = _shift(period, with_)
    whole = _whole_before(period, months, days)
    if at >= period.ends_at:
        return Comparison(period, whole, months, days)
    local = at.astimezone(ZoneInfo(period.timezone))
    of = Comparison(replace(period, until=at), whole, months, days)
    day = of.beside(local.date())
    until = (
        day_start(of.cut_before(local.date()), period.timezone)
        if day is None
        else datetime.combine(day, local.time(), local.tzinfo).astimezone(at.tzinfo)
    )
    return replace(of, earlier=replace(whole, until=until))


def _shift(period: Period, with_: With) -> tuple[int, int]:
    """How far before the earlier period lies: in months, or in days."""
    if not period.in_months:
        return 0, (period.days if with_ == "previous" else SAME_WEEKDAYS)
    months = (period.end.year - period.start.year) * MONTHS_OF_A_YEAR
    months += period.end.month - period.start.month
    return (months if with_ == "previous" else MONTHS_OF_A_YEAR), 0


def _whole_before(period: Period, months: int, days: int) -> Period:
    if not months:
        back = timedelta(days=days)
        return Period(period.start - back, period.end - back, period.timezone)
    start, end = (_months_before(day, months) for day in (period.start, period.end))
    return Period(start, end, period.timezone)


def _months_before(first: date, months: int) -> date:
    """The first of a month ``months`` earlier than the one that begins at ``first``."""
    count = first.year * MONTHS_OF_A_YEAR + first.month - 1 - months
    return date(count // MONTHS_OF_A_YEAR, count % MONTHS_OF_A_YEAR + 1, 1)
