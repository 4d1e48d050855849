"""What figures can be grouped by. How a fact has a dimension is declared with the fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from core.bookings.listed import LISTED
from core.bookings.models import EventOutcome
from core.platform.declarations import by_key
from core.platform.errors import InvalidInput
from core.platform.labels import LabelledEnum


class YesNo(LabelledEnum):
    """The answers to a question of yes or no."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True)
class CustomField:
    """A field that an organisation has defined itself: ``subject`` is what it is a field of, and
    with ``is_several`` any of its options may be chosen. ``options`` tells whether it has some.
    """

    definition_id: UUID
    subject: str
    has_options: bool = True
    is_several: bool = False


@dataclass(frozen=True)
class Dimension:
    """``kind`` is the type of its values in SQL.

    ``names`` is the table that turns an id into a name; ``words`` are the only values of one whose
    values are words. Figures are narrowed to either. ``cut`` makes a part of the calendar from
    the local time of a fact's instant, so that every fact has it without saying so. A result is
    what came of a booking. ``field`` is the organisation's own that it groups by; where
    several of its options may be chosen, figures are narrowed to any of them and never grouped,
    since what has two would count twice.
    """

    key: str
    label: str
    kind: Literal["date", "uuid", "text", "int"]
    names: str | None = None
    words: type[LabelledEnum] | None = None
    cut: str | None = None
    is_result: bool = False
    field: CustomField | None = None

    @property
    def entries(self) -> str:
        """The SQL of the table of its names."""
        if self.field is None:
            return f"app.{self.names}"
        of_it = f"definition_id = '{self.field.definition_id}'"
        return f"(select id, name from app.{self.names} where {of_it}) options"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names under which a row carries it: its own, and for a listed one that of its id."""
        return (self.key, f"{self.key}_id") if self.names else (self.key,)


# In the organisation's zone, so that a day is its day, also where clocks change.
LOCAL = "{instant} at time zone :timezone"


def _calendar(key: str, label: str) -> Dimension:
    return Dimension(key, label, "date", cut=f"date_trunc('{key}', {{local}})::date")


_ALL = (
    Dimension("day", "Day", "date", cut="{local}::date"),
    _calendar("week", "Week"),
    _calendar("month", "Month"),
    *(
        Dimension(each.key, each.label, "uuid", names=each.table.__tablename__)
        for each in LISTED.values()
    ),
    Dimension("outcome", "Outcome", "text", words=EventOutcome, is_result=True),
    Dimension("package", "Package", "uuid", names="packages", is_result=True),
)
DIMENSIONS: dict[str, Dimension] = by_key(_ALL)
FILTERS = by_key(each for each in _ALL if each.names or each.words)
RESULTS = by_key(each for each in _ALL if each.is_result)

# Of the heat map only: the day of the week, from 1 for Monday, and the hour of the day.
WEEKDAY = Dimension("weekday", "Weekday", "int", cut="date_part('isodow', {local})::int")
HOUR = Dimension("hour", "Hour", "int", cut="date_part('hour', {local})::int")


def dimension(key: str) -> Dimension:
    """Raises InvalidInput for one that does not exist."""
    if key not in DIMENSIONS:
        raise InvalidInput(f"“{key}” is not a dimension; use {', '.join(DIMENSIONS)}.", field="by")
    return DIMENSIONS[key]
