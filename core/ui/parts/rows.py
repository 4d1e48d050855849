"""Where the rows of a table come from: all of them at once, or a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pandas as pd

from core.platform.normalization import fold
from core.platform.paging import Order
from core.ui.parts.columns import Column

BATCH = 5_000  # rows of a download that are in memory at once


class Rows(Protocol):
    """Rows of which a table shows one page."""

    @property
    def sortable(self) -> Collection[str]:
        """The columns that they can be sorted by."""
        ...

    def page(self, order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
        """One page of them in this order, or in their own, and how many there are in all."""
        ...

    def everything(self, order: Order | None) -> Iterable[pd.DataFrame]:
        """All of them, in as many frames as it takes."""
        ...


@dataclass(frozen=True)
class FrameRows:
    """Rows that are there already, sorted by the values of their columns."""

    rows: pd.DataFrame
    columns: Sequence[Column]

    @property
    def sortable(self) -> Collection[str]:
        """See ``Rows.sortable``."""
        return [column.name for column in self.columns if column.is_ordered]

    def mentioning(self, words: str) -> FrameRows:
        """Those of which a column reads like the words, whatever their case; all for no words."""
        if not words:
            return self
        texts = [column.texts(self.rows) for column in self.columns]
        wanted = fold(words)
        found = [any(wanted in fold(text) for text in row) for row in zip(*texts, strict=True)]
        return replace(self, rows=self.rows[found])

    def page(self, order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
        """See ``Rows.page``."""
        return self._sorted(order).iloc[offset : offset + limit], len(self.rows)

    def everything(self, order: Order | None) -> Iterable[pd.DataFrame]:
        """See ``Rows.everything``."""
        return [self._sorted(order)]

    def _sorted(self, order: Order | None) -> pd.DataFrame:
        if order is None:
            return self.rows
        [column] = (each for each in self.columns if each.name == order.column)
        keys = dict(zip("abc", column.ordered_by(self.rows), strict=False))
        ordered = pd.DataFrame(keys).sort_values(
            [*keys], ascending=not order.descending, kind="stable", na_position="last"
        )
        return self.rows.loc[ordered.index]


@dataclass(frozen=True)
class QueriedRows:
    """Rows that the database sorts, and gives a page at a time: ``query`` has the arguments of
    ``Rows.page``.
    """

    sortable: Collection[str]
    query: Callable[[Order | None, int, int], tuple[pd.DataFrame, int]]

    def page(self, order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
        """See ``Rows.page``."""
        return self.query(order, limit, offset)

    def everything(self, order: Order | None) -> Iterable[pd.DataFrame]:
        """See ``Rows.everything``."""
        frame, count = self.query(order, BATCH, 0)
        yield frame
        for offset in range(BATCH, count, BATCH):
            yield self.query(order, BATCH, offset)[0]
