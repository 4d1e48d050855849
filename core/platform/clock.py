"""Days and periods in an organisation's time zone; instants are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

from core.platform.errors import InvalidInput


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def iso(at: datetime) -> str:
    """The instant as programs read it, in UTC: ``2026-11-04T12:00:00Z``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def today(timezone: str) -> date:
    """The day it is in ``timezone``."""
    return datetime.now(ZoneInfo(timezone)).date()


def check_timezone(name: str) -> str:
    """``name`` if it is an IANA time zone. Raises InvalidInput."""
    if name not in available_timezones():
        raise InvalidInput(
            f"“{name}” is not a time zone; use a name like Europe/Copenhagen.", field="timezone"
        )
    return name


def day_start(day: date, timezone: str) -> datetime:
    """The first instant of ``day`` in ``timezone``, in UTC; right also where the clocks change at
    midnight.
    """
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)


@dataclass(frozen=True)
class Period:
    """The days from ``start`` up to, not including, ``end``, in the organisation's ``timezone``;
    with ``until``, only what happened before that instant.
    """

    start: date
    end: date
    timezone: str
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise InvalidInput("The end of a period must come after its start.", field="end")

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def starts_at(self) -> datetime:
        return day_start(self.start, self.timezone)

    @property
    def ends_at(self) -> datetime:
        end = day_start(self.end, self.timezone)
        return end if self.until is None else min(end, self.until)

    def covers(
        self, column: InstrumentedAttribute[datetime] | ColumnElement[datetime]
    ) -> ColumnElement[bool]:
        """The SQL condition ``start <= column < end``."""
        return and_(column >= self.starts_at, column < self.ends_at)
