"""Figures as they are handed on: typed rows, and a table of them for charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.metrics.catalog import METRICS
from core.metrics.dimensions import Dimension
from core.metrics.kinds import Metric
from core.metrics.units import Money, Value
from core.platform.notation import notation

if TYPE_CHECKING:
    import pandas as pd


class Values(dict[str, Value]):
    """Figures by their keys, each as its unit says."""

    @property
    def known(self) -> str:
        """How much a show rate is based on, which is printed beside it."""
        confirmed, due = (notation().number(self.count(key)) for key in ("confirmed", "due"))
        return f"{confirmed} of {due} bookings due are confirmed"

    def count(self, key: str) -> int:
        """A count's value."""
        value = self[key]
        assert isinstance(value, int)
        return value

    def rate(self, key: str) -> float | None:
        """A rate's value."""
        value = self[key]
        assert not isinstance(value, Mapping)
        return value

    def money(self, key: str) -> Money:
        """Money's value."""
        value = self[key]
        assert isinstance(value, Mapping)
        return value

    def number(self, key: str, currency: str) -> int | float | None:
        """A value as a chart shows it: money is what there is of ``currency``."""
        plain = METRICS[key].unit.plain(self[key], currency)
        return float(plain) if isinstance(plain, Decimal) else plain

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {key: METRICS[key].unit.as_json(value) for key, value in self.items()}


@dataclass(frozen=True)
class Key:
    """What a row is about: for an entry of a list its id and its name, else twice the same."""

    id: UUID | date | str | int | None
    name: date | str | int | None


@dataclass(frozen=True)
class Row:
    """The figures of one combination of dimensions."""

    keys: Mapping[str, Key]
    values: Values


@dataclass(frozen=True)
class Figures:
    """Figures by dimensions, and of all rows together."""

    dimensions: Sequence[Dimension]
    metrics: Sequence[Metric]
    rows: Sequence[Row]
    totals: Values

    def frame(self) -> pd.DataFrame:
        """One line per row.

        Columns: for each dimension its name (a listed one also ``<dimension>_id``), then the
        figures: counts int64, the others as in ``Values``.
        """
        import pandas as pd  # only the screens ask for a table: see core.platform.dataframes

        named = [column for each in self.dimensions for column in each.columns]
        units = {each.key: each.unit.dtype for each in self.metrics}
        columns = [*named, *(each.key for each in self.metrics)]
        lines = [self.named(row) | row.values for row in self.rows]
        made = pd.DataFrame(lines, columns=columns, dtype=object)
        return made.astype({column: units.get(column, "object") for column in columns})

    def named(self, row: Row) -> dict[str, Any]:
        """What a row is about, by the names of the columns that carry it."""
        return {
            column: value
            for each in self.dimensions
            for column, value in zip(
                each.columns, (row.keys[each.key].name, row.keys[each.key].id), strict=False
            )
        }
