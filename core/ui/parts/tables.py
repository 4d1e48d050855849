"""Tables: sorted and searched by the reader, rows that open, downloads that a spreadsheet cannot be
tricked with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.platform.spreadsheets import without_formula
from core.ui.navigation import jump, row_in
from core.ui.parts.cards import Card, cards, wide
from core.ui.parts.columns import Column, Money, Text, with_currencies
from core.ui.parts.drill import address

CARD = 3


def table(
    rows: pd.DataFrame,
    key: str,
    *,
    columns: Sequence[Column],
    card: Sequence[str] = (),
    opens: str | None = None,
    row_id: str = "id",
    download: bool = True,
    downloaded: Sequence[Column] = (),
    everything: Callable[[], Iterable[pd.DataFrame]] | None = None,
) -> None:
    """Show ``columns`` of ``rows``; a chosen row opens the screen ``opens`` with what the column
    ``row_id`` names. A download has the columns ``downloaded`` too.

    On a phone each row is a card with the columns ``card``: a headline and two facts, by default
    the first three that are shown. Where ``rows`` are one page of many, ``everything`` gives all of
    them for the download.
    """
    rows, listed = rows.reset_index(drop=True), with_currencies(list(columns))
    with wide(key):
        chosen = show_rows(rows, key, listed, selectable=opens is not None)
    ids = [str(each) for each in rows[row_id]] if opens else [""] * len(rows)
    targets = [address(opens, row_in(opens, each)) if opens else None for each in ids]
    _show_cards(rows, listed, card or [column.name for column in columns[:CARD]], targets)
    if download:
        st.download_button(
            "Download",
            lambda: csv_of(everything() if everything else [rows], [*listed, *downloaded]),
            f"{key}.csv",
            "text/csv",
            key=f"{key} download",
            icon=":material/download:",
            on_click="ignore",
        )
    if opens and chosen is not None:
        jump(opens, **row_in(opens, ids[chosen]))


def show_rows(
    rows: pd.DataFrame, key: str, columns: Sequence[Column], *, selectable: bool
) -> int | None:
    """The native table alone, with exactly ``columns``. The number of the row that the reader has
    chosen, where rows are ``selectable``.
    """
    state: Any = st.dataframe(
        _shown(rows, columns),
        key=key,
        hide_index=True,
        column_config={column.name: column.config(rows) for column in columns},
        row_height=36,
        on_select="rerun" if selectable else "ignore",
        selection_mode="single-row",
        placeholder="–",
    )
    return next(iter(state["selection"]["rows"]), None) if selectable else None


def csv_of(frames: Iterable[pd.DataFrame], columns: Sequence[Column]) -> bytes:
    """The rows of all frames as one CSV (``as_csv``), one frame in memory at a time."""
    pieces = (as_csv(frame, columns) for frame in frames)
    first = next(pieces, b"")
    return first + b"".join(piece.partition(b"\n")[2] for piece in pieces)


def as_csv(rows: pd.DataFrame, columns: Sequence[Column]) -> bytes:
    """The values of ``columns`` as CSV: instants with their offset, amounts as decimal numbers, and
    text that a spreadsheet would run as a formula as text.
    """
    values = {name: each for column in columns for name, each in column.exported(rows).items()}
    safe = {name: [without_formula(value) for value in each] for name, each in values.items()}
    return pd.DataFrame(safe, dtype=object).to_csv(index=False).encode()


def _shown(rows: pd.DataFrame, columns: Sequence[Column]) -> Any:
    """The values as the native table takes them; amounts of currencies with different decimals are
    formatted one by one.
    """
    frame = pd.DataFrame({column.name: column.cells(rows) for column in columns})
    mixed = [column for column in columns if isinstance(column, Money) and column.is_mixed(rows)]
    if not mixed:
        return frame
    styled = frame.style
    for column in mixed:
        for numbers, written in column.formats(rows):
            styled = styled.format(written, subset=(numbers, [column.name]))
    return styled


def _show_cards(
    rows: pd.DataFrame,
    columns: Sequence[Column],
    names: Sequence[str],
    targets: Sequence[str | None],
) -> None:
    """What a phone shows in place of the table."""
    by_name = {column.name: column for column in columns}
    facts = [by_name.get(name, Text(name, "")).texts(rows) for name in names]
    cards(
        Card(headline, tuple(rest), target)
        for (headline, *rest), target in zip(zip(*facts, strict=True), targets, strict=True)
    )
