"""Which fields of what an outside system sends say who somebody is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonFields:
    """The fields of a provider's payloads that say who somebody is, in an object with their
    address: ``names`` hold what they are called, ``details`` everything else of them, and
    ``persons`` are objects inside that are about the same person.
    """

    names: frozenset[str] = frozenset()
    details: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
