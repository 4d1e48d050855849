"""Days and periods in an organisation's time zone; instants are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ColumnElement, and_, text
from sqlalchemy.orm import InstrumentedAttribute

from core.platform.database import as_guest
from core.platform.errors import InvalidInput


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def iso(at: datetime) -> str:
    """The instant as programs read it, in UTC: ``2026-11-04T12:00:00Z``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def today(timezone: str) -> date:
    """Today's date in ``timezone``."""
    return datetime.now(ZoneInfo(timezone)).date()


# In the database of zones, but the machine's own or no place at all.
NO_PLACE = {"localtime", "posixrules", "Factory", "leapseconds"}


@lru_cache
def known_timezones() -> frozenset[str]:
    """The IANA time zones that Python and the database both know. Each has a list of its own, which
    is as old as its release; days are cut in the database, and times shown by Python.
    """
    with as_guest() as db:
        theirs = set(db.execute(text("select name from pg_timezone_names")).scalars())
    return frozenset((available_timezones() & theirs) - NO_PLACE)


def check_timezone(name: str) -> str:
    """``name`` if it is a time zone that Python and the database know. Raises InvalidInput."""
    if name in known_timezones():
        return name
    if name in available_timezones() - NO_PLACE:
        raise InvalidInput(
            f"The database does not know the time zone “{name}”; use another place that keeps the"
            " same time, or update the database server.",
            field="timezone",
        )
    raise InvalidInput(
        f"“{name}” is not a time zone; use a name like Europe/Copenhagen.", field="timezone"
    )


def day_start(day: date, timezone: str) -> datetime:
    """The first instant of ``day`` in ``timezone``, as UTC. This is not always 00:00: some zones
    change their clocks at midnight.
    """
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)


@dataclass(frozen=True)
class Period:
    """The days from ``start`` up to, not including, ``end``, in the organisation's ``timezone``;
    with ``until``, only what happened before that instant.

    ``in_months`` are whole months of the calendar, before which lie as many months; other days may
    happen to be a whole month, as the last thirty are on the 30th of November.
    """

    start: date
    end: date
    timezone: str
    until: datetime | None = None
    in_months: bool = False

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
