"""Tables: sorted and searched by the reader, rows that open, downloads that a spreadsheet cannot be
tricked with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pandas as pd
import streamlit as st

from core.ui.page import jump
from core.ui.parts.cards import Card, cards, wide

CARD = 3


def safe_csv(frame: pd.DataFrame) -> bytes:
    """The table as CSV; text that a spreadsheet would run as a formula is made text again, numbers
    stay numbers.
    """
    made = frame.copy()
    for column in made.columns:
        if made[column].dtype == object or pd.api.types.is_string_dtype(made[column]):
            made[column] = made[column].map(_neutral)
    return made.to_csv(index=False).encode()


def _neutral(value: Any) -> Any:
    return "'" + value if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def table(
    frame: pd.DataFrame,
    key: str,
    *,
    columns: dict[str, Any],
    card: Sequence[str] = (),
    opens: str | None = None,
    download: bool = True,
) -> None:
    """Show ``columns`` of ``frame`` (name → heading or column configuration); a chosen row opens
    the screen ``opens``.

    On a phone each row is a card with the columns ``card``: a headline and two facts, any columns
    of ``frame``, by default the first three that are shown.
    """
    shown = frame[list(columns)]
    with wide(key):
        state = st.dataframe(
            shown,
            key=key,
            hide_index=True,
            column_config=columns,
            row_height=36,
            on_select="rerun" if opens else "ignore",
            selection_mode="single-row",
            placeholder="–",
        )
    targets = [f"{opens}?id={row_id}" for row_id in frame["id"]] if opens else [None] * len(frame)
    facts = zip(*(frame[name] for name in card or list(columns)[:CARD]), strict=True)
    cards(
        Card(headline, tuple(rest), target)
        for (headline, *rest), target in zip(facts, targets, strict=True)
    )
    if download:
        st.download_button(
            "Download",
            lambda: safe_csv(shown),
            f"{key}.csv",
            "text/csv",
            key=f"{key} download",
            icon=":material/download:",
            on_click="ignore",
        )
    rows = cast("dict[str, Any]", state)["selection"]["rows"] if opens else []
    if opens and rows:
        jump(opens, id=str(frame.iloc[rows[0]]["id"]))
