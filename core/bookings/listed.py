"""The organisation's lists from which bookings and payments refer to one entry each."""

from __future__ import annotations

from dataclasses import dataclass

from core.bookings.models import CallType, Closer, Setter
from core.people.models import Source, TrafficType


@dataclass(frozen=True)
class Listed:
    """One list: its key in addresses and in the API, its label, and its table."""

    key: str
    label: str
    table: type[Closer | Setter | Source | TrafficType | CallType]

    @property
    def column(self) -> str:
        """The column of a booking or a payment that holds the entry's id."""
        return f"{self.key}_id"


LISTED = {
    each.key: each
    for each in (
        Listed("closer", "Closer", Closer),
        Listed("setter", "Setter", Setter),
        Listed("source", "Source", Source),
        Listed("traffic_type", "Traffic type", TrafficType),
        Listed("call_type", "Call type", CallType),
    )
}
LISTED_COLUMNS = tuple(each.column for each in LISTED.values())
