"""The part that draws a page of rows: a table on a desk, cards on a phone. Rows open by mouse,
touch and keyboard; headings sort; columns are chosen.

Streamlit's own table sorts only what it holds, opens a row by a box of sixteen pixels and is a
picture to the keyboard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "table",
    html='<div class="grid"></div>',
    css=(_HERE / "grid.css").read_text(),
    js=(_HERE / "grid.js").read_text(),
)


@dataclass(frozen=True)
class Picked:
    """The id of the row that is opened now, and those of the rows that are ticked, as the browser
    says them.
    """

    opened: str | None
    ticked: list[str]


def grid(
    key: str,
    data: dict[str, Any],
    *,
    sorted_by: Callable[[str], None],
    turned_to: Callable[[int], None],
    chosen: Callable[[list[str]], None],
    searched: Callable[[str], None],
) -> Picked:
    """Draw ``data`` (see ``tables``). What the reader asks for is handed to one of the functions
    before the next run; returns which row they open and which they have ticked.
    """

    def asked(name: str, hand: Callable[[Any], None]) -> Callable[[], None]:
        def handed() -> None:
            hand(st.session_state[key][name])

        return handed

    result: Any = _mount(
        key=key,
        data=data,
        on_open_change=lambda: None,
        on_sort_change=asked("sort", sorted_by),
        on_page_change=asked("page", turned_to),
        on_columns_change=asked("columns", chosen),
        on_search_change=asked("search", searched),
        on_ticked_change=lambda: None,
        default={"ticked": []},
    )
    opened, ticked = result.open, result.ticked
    return Picked(
        opened if isinstance(opened, str) else None,
        [each for each in ticked if isinstance(each, str)] if isinstance(ticked, list) else [],
    )
