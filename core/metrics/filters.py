"""What a figure is narrowed to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from uuid import UUID


@dataclass(frozen=True)
class Filters:
    """Ids of the organisation's own lists; an empty tuple does not narrow, several ids are
    alternatives.
    """

    closer_id: tuple[UUID, ...] = ()
    setter_id: tuple[UUID, ...] = ()
    source_id: tuple[UUID, ...] = ()
    traffic_type_id: tuple[UUID, ...] = ()
    call_type_id: tuple[UUID, ...] = ()

    def sql(self, alias: str) -> str:
        """Conditions on a table that carries these columns, each with a leading ``and``."""
        return "".join(f" and {alias}.{name} = any(:{name})" for name in self.values())

    def values(self) -> dict[str, list[UUID]]:
        """The parameters that ``sql`` names."""
        chosen = {item.name: list(getattr(self, item.name)) for item in fields(self)}
        return {name: ids for name, ids in chosen.items() if ids}
