"""What was reported of a provider's object at one moment and is stored by itself, so that no later
state of the object changes it: what has been true since then, and how the object was then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.deliveries.objects import Name, State, Stored

KIND = "first"  # the kind of the stored first reports
LAST_MOMENT = 10**18 - 1  # in microseconds, the year 33658


@dataclass(frozen=True)
class First:
    """The first report of ``what`` of an object, with the facts of that moment. Without a date it
    is as old as the delivery.
    """

    what: str
    at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Firsts:
    """The first reports among stored objects."""

    def __init__(self, objects: Iterable[Stored]) -> None:
        self._by_name = {item.external_id: item.data for item in objects if item.kind == KIND}

    def facts(self, external_id: str | None, what: str | None) -> Mapping[str, Any] | None:
        """The facts of the first report of ``what`` of the object, or None without one."""
        return self._by_name.get(f"{external_id} {what}")

    def at(self, external_id: str | None, what: str | None) -> datetime | None:
        """Since when it is true of the object."""
        facts = self.facts(external_id, what)
        return instant(facts["at"]) if facts else None


def firsts_named(external_ids: Iterable[str], whats: Iterable[str]) -> list[Name]:
    """The names of these first reports, as ``objects_named`` takes them."""
    known = tuple(whats)
    return [(KIND, f"{external_id} {what}") for external_id in external_ids for what in known]


def first_states(
    external_id: str,
    firsts: Iterable[First],
    arrived_at: datetime,
    group_key: str | None = None,
) -> list[State]:
    """The first reports of one object as they are stored: of each the earliest date stays, whatever
    order deliveries arrive in.
    """
    return [_first_state(external_id, each, arrived_at, group_key) for each in firsts]


def _first_state(
    external_id: str, first: First, arrived_at: datetime, group_key: str | None
) -> State:
    at = first.at or arrived_at
    seconds, rest = divmod(LAST_MOMENT - round(at.timestamp() * 10**6), 10**6)
    [(kind, name)] = firsts_named([external_id], [first.what])
    version = f"{seconds:012d}.{rest:06d}"
    facts = {"at": written(at)} | dict(first.facts)
    return State(kind, name, version, facts, arrived_at, group_key)


def passing(kind: str) -> str:
    """The kind of what is stored of such an object for every moment at which it was reported."""
    return f"{kind} at a time"


def passing_state(
    name: Name, at: datetime, version: str, facts: Mapping[str, Any], arrived_at: datetime
) -> State:
    """How the object was at a moment, as it is stored in the group of its id."""
    kind, external_id = name
    data = dict(facts) | {"at": written(at)}
    named = f"{external_id} {written(at)}"
    return State(passing(kind), named, version, data, arrived_at, external_id)


def written(at: datetime) -> str:
    """A date as it is stored, which as text sorts like the date."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def instant(stored: str | None) -> datetime | None:
    """The date behind a stored one."""
    return datetime.fromisoformat(stored) if stored else None
