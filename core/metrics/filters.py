"""What a figure is narrowed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.bookings.listed import LISTED


@dataclass(frozen=True)
class Filters:
    """Ids of the organisation's own lists by the list's key (``closer``, ``source``, …); several
    ids are alternatives, None among them is what has no entry of the list, and an empty tuple does
    not narrow.
    """

    ids: Mapping[str, Sequence[UUID | None]] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, list[UUID | None]]:
        """The lists that narrow, in the order of the lists."""
        return {key: list(self.ids[key]) for key in LISTED if self.ids.get(key)}

    @property
    def columns(self) -> dict[str, list[UUID | None]]:
        """The same by the columns of bookings and payments (``closer_id``, …)."""
        return {LISTED[key].column: ids for key, ids in self.chosen.items()}

    @property
    def values(self) -> dict[str, list[UUID]]:
        """The parameters of ``Fact.narrowed``."""
        return {
            f"{key}_ids": [each for each in ids if each is not None]
            for key, ids in self.chosen.items()
        }
