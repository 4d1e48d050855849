"""The fields by which an outside system's payloads identify a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonFields:
    """The fields of a provider's payloads that identify a person, in an object with the person's
    address. ``names`` hold the person's names, ``details`` the other personal data, and ``persons``
    are nested objects about the same person.
    """

    names: frozenset[str] = frozenset()
    details: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
