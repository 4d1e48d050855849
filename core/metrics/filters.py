"""What a figure is narrowed to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.bookings.listed import LISTED
from core.metrics.dimensions import FILTERS, Dimension
from core.platform.errors import InvalidInput
from core.platform.labels import none_of
from core.platform.normalization import fold
from core.platform.schemas import ids_of

Wanted = UUID | str | None


@dataclass(frozen=True)
class Filters:
    """Values of dimensions by the dimension's key (``closer``, ``source``, …), of a list's entries
    their ids; several are alternatives, None among them is what has no value of the dimension, and
    an empty tuple does not narrow. ``custom`` are the organisation's own dimensions among them.
    """

    wanted: Mapping[str, Sequence[Wanted]] = field(default_factory=dict)
    custom: Mapping[str, Dimension] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, list[Wanted]]:
        """The dimensions that narrow, in their order."""
        keys = (*FILTERS, *self.custom)
        return {key: list(self.wanted[key]) for key in keys if self.wanted.get(key)}

    def dimension(self, key: str) -> Dimension:
        """The dimension that narrows under this key."""
        return FILTERS[key] if key in FILTERS else self.custom[key]

    @property
    def results(self) -> list[Dimension]:
        """The results among the dimensions that narrow."""
        return [each for each in map(self.dimension, self.chosen) if each.is_result]

    @property
    def columns(self) -> dict[str, list[UUID | None]]:
        """The lists among them by the columns that bookings and payments both have (``closer_id``,
        …).
        """
        chosen = self.chosen
        return {
            each.column: [id_ for id_ in chosen[key] if not isinstance(id_, str)]
            for key, each in LISTED.items()
            if key in chosen
        }

    @property
    def values(self) -> dict[str, list[UUID | str]]:
        """The parameters of ``Fact.narrowed``."""
        return {
            f"{key}_values": [each for each in values if each is not None]
            for key, values in self.chosen.items()
        }


def values_of(db: Session, dimensions: Mapping[str, Dimension]) -> dict[str, dict[str, Wanted]]:
    """What figures can be narrowed to: for each of the ``dimensions`` its values, by what people
    call them. Entries of a list stand in alphabetical order;
    those of one name, and one that is called as none of them is, bear the beginning of their id, so
    that each can be chosen.
    """
    chosen = list(dimensions.values())
    found: dict[str, dict[str, Wanted]] = {
        each.key: {label: word for word, label in _labels(each).items()} for each in chosen
    }
    entries = _entries(db, [each for each in chosen if each.names])
    often = Counter((key, name) for key, name, _ in entries)
    for key, name, id_ in entries:
        alone = often[key, name] == 1 and name != none_of(dimensions[key].label)
        found[key][name if alone else f"{name} ({id_.hex[:8]})"] = id_
    return found


def _labels(each: Dimension) -> dict[str, str]:
    """The words of a dimension, with what people read."""
    return each.words.labels() if each.words else {}


def _entries(db: Session, listed: Sequence[Dimension]) -> list[tuple[str, str, UUID]]:
    """Key, name and id of all entries of these dimensions' lists."""
    lists = " union all ".join(
        f"select '{each.key}' as key, name, id from {each.entries}" for each in listed
    )
    if not listed:
        return []
    rows = db.execute(text(f"select * from ({lists}) entries order by lower(name), name, id"))
    return [(row.key, row.name, row.id) for row in rows]


def values_named(db: Session, each: Dimension, value: str, field: str) -> Sequence[UUID | str]:
    """What ``value`` means for a dimension: of a list the entries of this name, however it is
    written, or those with these ids; else the word itself. Raises InvalidInput for what is none of
    them, and names ``field``.
    """
    if each.names:
        return _ids_named(db, each, value) or ids_of(value, field)
    if value not in _labels(each):
        raise InvalidInput(f"{field} takes one of {', '.join(_labels(each))}.", field=field)
    return [value]


def _ids_named(db: Session, each: Dimension, name: str) -> list[UUID]:
    wanted = fold(name)
    rows = db.execute(text(f"select id, name from {each.entries}"))
    return [row.id for row in rows if fold(row.name) == wanted]
