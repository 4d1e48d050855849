"""Things that are declared once and found by their key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Keyed(Protocol):
    """Something with a key of its own."""

    @property
    def key(self) -> str: ...


Declared = TypeVar("Declared", bound=Keyed)


def by_key(declared: Iterable[Declared]) -> dict[str, Declared]:
    """Each by its key, in their order; the same one may come again. Raises ValueError when two
    different ones have the same key: nobody could say which of them is meant.
    """
    found: dict[str, Declared] = {}
    for each in declared:
        if found.setdefault(each.key, each) is not each:
            raise ValueError(f"Two different declarations have the key “{each.key}”.")
    return found
