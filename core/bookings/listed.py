"""The organisation's lists from which bookings and payments refer to one entry each; what can be
narrowed to an entry on every screen that filters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

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


def listed_names(db: Session) -> dict[str, dict[str, UUID]]:
    """For each list's key the ids of its entries by name, in alphabetical order. Entries of one
    name bear the beginning of their id, so that each can be chosen.
    """
    queries = [
        select(literal(key).label("key"), each.table.name.label("name"), each.table.id.label("id"))
        for key, each in LISTED.items()
    ]
    entries = union_all(*queries).subquery()
    names: dict[str, dict[str, UUID]] = {key: {} for key in LISTED}
    rows = db.execute(
        select(entries).order_by(func.lower(entries.c.name), entries.c.name, entries.c.id)
    ).all()
    often = Counter((row.key, row.name) for row in rows)
    for row in rows:
        alone = often[row.key, row.name] == 1
        names[row.key][row.name if alone else f"{row.name} ({row.id.hex[:8]})"] = row.id
    return names
