"""Tables: sorted over all their rows, a page at a time, with rows that open, columns that the
reader chooses, and downloads that a spreadsheet cannot be tricked with.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import pandas as pd

from core.platform.notation import notation
from core.platform.paging import Order
from core.ui.navigation import jump, row_in
from core.ui.parts.columns import Column, Text, with_currencies
from core.ui.parts.downloads import offer_download
from core.ui.parts.drill import address
from core.ui.parts.grid.component import Picked, grid
from core.ui.parts.rows import FrameRows, Rows
from core.ui.parts.table_address import FEW, Shown

CARD = 3
PAGE = 50
SEARCHED = 10  # rows that are seen at a glance
ORDER_WORDS = {True: "descending", False: "ascending"}


def table(
    rows: pd.DataFrame | Rows,
    key: str,
    *,
    columns: Sequence[Column],
    card: Sequence[str] = (),
    opens: str | None = None,
    row_id: str = "id",
    per_page: int = PAGE,
    download: bool = True,
    more: Sequence[Column] = (),
    finished: dict[Hashable, Drawn] | None = None,
) -> None:
    """Show ``columns`` of ``rows``; a row opens the screen ``opens`` with what the column
    ``row_id`` names. The reader may choose the columns ``more`` too, and a download has them.

    On a phone each row is a card with the columns ``card``: a headline and two facts, by default
    the first three that are shown. For the rows of an earlier run the pages that are ``finished``
    already are passed along.
    """

    def target(value: Any) -> Opening:
        return Opening(str(value), address(opens or "", row_in(opens or "", str(value))))

    source, by = rows_of(rows, [*columns, *more]), OpenedBy(row_id, target) if opens else None
    pages = {} if finished is None else finished
    what = Table(source, key, columns, card, by, more, per_page, finished=pages)
    picked = _show(what, moves=True)
    if download:
        _offer_download(source, key, [*columns, *more], Text(row_id, "ID") if opens else None)
    if opens and picked.opened:
        jump(opens, **row_in(opens, picked.opened))


def ticking_table(
    rows: pd.DataFrame | Rows,
    key: str,
    *,
    columns: Sequence[Column],
    card: Sequence[str] = (),
    opens: str,
    more: Sequence[Column] = (),
) -> list[str]:
    """The same with a box before each row, for a screen where something can be done to several
    rows at once; returns the ids of those on the page that are ticked.
    """

    def target(value: Any) -> Opening:
        return Opening(str(value), address(opens, row_in(opens, str(value))))

    source = rows_of(rows, [*columns, *more])
    what = Table(source, key, columns, card, OpenedBy("id", target), more, ticks=True)
    picked = _show(what, moves=True)
    _offer_download(source, key, [*columns, *more], Text("id", "ID"))
    if picked.opened:
        jump(opens, **row_in(opens, picked.opened))
    return picked.ticked


def linked_rows(
    rows: pd.DataFrame, columns: Sequence[Column], targets: Sequence[str | None]
) -> LinkedRows:
    """Rows that lead to the addresses ``targets``, one for each row and each loaded afresh (see
    ``drill``). A table of them is drawn once, however often it is shown.
    """
    drawn = [column.over(rows) for column in columns]
    listed = rows.assign(target=pd.Series(targets, index=rows.index, dtype=object))
    return LinkedRows(rows_of(listed, columns), drawn)


def linked_table(rows: LinkedRows, key: str, *, card: Sequence[str] = ()) -> None:
    """A table of such rows."""

    def target(value: Any) -> Opening | None:
        return Opening(value, value) if value else None

    by = OpenedBy("target", target)
    what = Table(rows.source, key, rows.columns, card, by, finished=rows.finished)
    _show(what, moves=False)


def plain_table(rows: pd.DataFrame, key: str, *, columns: Sequence[Column]) -> None:
    """A few rows to look at, in the columns that are given."""
    _show(Table(rows_of(rows, columns), key, columns, (), None, chooses=False), moves=False)


def picking_table(
    rows: pd.DataFrame | Rows,
    key: str,
    *,
    columns: Sequence[Column],
    card: Sequence[str] = (),
    row_id: str = "id",
    per_page: int = PAGE,
) -> str | None:
    """A table of which the reader picks a row that is shown below it; returns what the column
    ``row_id`` says of it.
    """

    by = OpenedBy(row_id, lambda value: Opening(str(value), ""))
    what = Table(rows_of(rows, columns), key, columns, card, by, per_page=per_page)
    return _show(what, moves=True).opened


@dataclass(frozen=True)
class Opening:
    """What a row opens: by its id within the page, and by its address in another window."""

    id: str
    address: str


@dataclass(frozen=True)
class OpenedBy:
    """The column that decides what a row opens, and how."""

    name: str
    target: Callable[[Any], Opening | None]

    def targets(self, rows: pd.DataFrame) -> list[Opening | None]:
        """What each row opens."""
        return [self.target(value) for value in rows[self.name]]


@dataclass(frozen=True)
class Drawn:
    """A page as it is handed to the browser, and the ids of what its rows open."""

    data: dict[str, Any]
    ids: frozenset[str]


@dataclass(frozen=True)
class LinkedRows:
    """Rows that lead to addresses, and the pages that were drawn of them."""

    source: Rows
    columns: Sequence[Column]
    finished: dict[Hashable, Drawn] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What the reader asks of a table."""

    order: Order | None
    columns: Sequence[Column]
    words: str
    page: int


@dataclass(frozen=True)
class Table:
    """What is drawn: the rows, the columns, what opens a row if anything does, whether it has a box
    to tick, and whether the reader chooses the columns. Pages of these rows that are ``finished``
    are not drawn again.
    """

    source: Rows
    key: str
    columns: Sequence[Column]
    card: Sequence[str]
    by: OpenedBy | None
    more: Sequence[Column] = ()
    per_page: int = PAGE
    ticks: bool = False
    chooses: bool = True
    finished: dict[Hashable, Drawn] = field(default_factory=dict)


def rows_of(rows: pd.DataFrame | Rows, columns: Sequence[Column]) -> Rows:
    """A frame as rows that can be sorted by these columns."""
    if isinstance(rows, pd.DataFrame):
        return FrameRows(rows.reset_index(drop=True), columns)
    return rows


def _show(what: Table, *, moves: bool) -> Picked:
    """Draw one page of it; which of its rows the reader opens and has ticked."""
    shown = Shown(what.key)
    order, listed = shown.order(what.source.sortable), _columns_of(what, shown)
    asked = Asked(order, listed, shown.words(), shown.page())
    view = (what.key, order, tuple(each.name for each in listed), asked.words, asked.page)
    if (view, notation()) not in what.finished:
        what.finished[view, notation()] = _page_drawn(what, asked, moves=moves)
    drawn = what.finished[view, notation()]
    picked = grid(
        f"{what.key} table",
        drawn.data,
        sorted_by=shown.sort,
        turned_to=shown.turn_to,
        chosen=shown.choose,
        searched=shown.search,
    )
    return Picked(
        picked.opened if picked.opened in drawn.ids else None,
        [each for each in picked.ticked if each in drawn.ids],
    )


def _page_drawn(what: Table, asked: Asked, *, moves: bool) -> Drawn:
    source, listed = _found(what.source, asked.words), asked.columns
    page, frame, count = _page_of(source, what.per_page, asked)
    targets = what.by.targets(frame) if what.by else [None] * len(frame)
    data = {
        "columns": [_heading(each, what.source.sortable, asked.order) for each in listed],
        "card": _places(listed, what.card),
        "rows": _drawn(listed, frame, targets),
        "label": what.key.replace("-", " ").capitalize(),
        "moves": moves,
        "offered": _offered(listed, [*what.columns, *what.more]) if what.chooses else [],
        "extent": _extent(page, what.per_page, len(frame), count, asked.words),
        "search": asked.words if _is_searched(what.source) else None,
        "page": page,
        "pages": ceil(count / what.per_page),
        "ticks": what.ticks,
    }
    return Drawn(data, frozenset(target.id for target in targets if target))


def _columns_of(what: Table, shown: Shown) -> list[Column]:
    return shown.columns(what.columns, what.more) if what.chooses else list(what.columns)


def _is_searched(source: Rows) -> bool:
    """Whether the table searches itself: a screen whose rows the database sorts has a search of its
    own, and a few rows need none.
    """
    return isinstance(source, FrameRows) and len(source.rows) > SEARCHED


def _found(source: Rows, words: str) -> Rows:
    if isinstance(source, FrameRows) and _is_searched(source):
        return source.mentioning(words)
    return source


def _page_of(source: Rows, limit: int, asked: Asked) -> tuple[int, pd.DataFrame, int]:
    """The number of the page, its rows and the number of all rows; the last page where the address
    names one that is not there any more.
    """
    page = asked.page
    frame, count = source.page(asked.order, limit, (page - 1) * limit)
    if frame.empty and count:
        page = ceil(count / limit)
        frame, count = source.page(asked.order, limit, (page - 1) * limit)
    return page, frame, count


def _heading(column: Column, sortable: Iterable[str], order: Order | None) -> dict[str, Any]:
    is_sorted = order is not None and order.column == column.name
    return {
        "name": column.name,
        "label": column.label,
        "number": column.is_number,
        "long": column.is_long,
        "sortable": column.name in sortable,
        "order": ORDER_WORDS[order.descending] if order and is_sorted else None,
    }


def _places(listed: Sequence[Column], card: Sequence[str]) -> list[int]:
    """Which of the shown columns a card has."""
    names = [column.name for column in listed]
    return [names.index(name) for name in card if name in names] or [*range(min(CARD, len(names)))]


def _drawn(
    listed: Sequence[Column], frame: pd.DataFrame, targets: Sequence[Opening | None]
) -> list[dict[str, Any]]:
    cells = zip(*(column.cells(frame) for column in listed), strict=True)
    return [
        {
            "id": target.id if target else None,
            "href": target.address if target else None,
            "cells": list(of_row),
        }
        for target, of_row in zip(targets, cells, strict=True)
    ]


def _offered(listed: Sequence[Column], columns: Sequence[Column]) -> list[dict[str, str]]:
    """The columns to choose from: those that are shown in their order, then the others. A small
    table has no choice.
    """
    if len(columns) <= FEW:
        return []
    others = [column for column in columns if column not in listed]
    return [{"name": each.name, "label": each.label} for each in (*listed, *others)]


def _extent(page: int, per_page: int, shown: int, count: int, words: str) -> str:
    if words and not count:
        return "No row mentions what you search for."
    first = (page - 1) * per_page + 1
    if count <= per_page:
        return ""
    begin, end, of = map(notation().number, (first, first + shown - 1, count))
    return f"{begin}–{end} of {of}"


def _offer_download(
    source: Rows, key: str, columns: Sequence[Column], row_id: Column | None
) -> None:
    """All rows in the order that is shown, with every column that could be."""
    shown = Shown(key)
    order, found = shown.order(source.sortable), _found(source, shown.words())
    every = [*with_currencies(columns), *([row_id] if row_id else [])]
    offer_download(key, every, lambda: found.everything(order))
