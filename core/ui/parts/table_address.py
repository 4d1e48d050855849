"""What the address bar says of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.platform.paging import Order
from core.ui.parts.columns import Column
from core.ui.parts.own_columns import own_columns, remember_columns, store_columns

FEW = 6  # columns, of which nobody needs a choice


@dataclass(frozen=True)
class Shown:
    """What the address says of a table: its order, its page, and its columns in their order. They
    survive a reload, and go along when the address is sent to a colleague. Columns that the reader
    chose before are theirs wherever the address names none.
    """

    key: str

    def order(self, sortable: Iterable[str]) -> Order | None:
        """By what it is sorted; None for the order in which the rows come."""
        order = Order.of(self._asked("sort"))
        return order if order and order.column in sortable else None

    def page(self) -> int:
        """Which page is shown, from 1. Other filters than a moment ago begin at the first."""
        narrowed = {name: st.query_params.get_all(name) for name in st.query_params}
        shown = {name: each for name, each in narrowed.items() if "." not in name}
        before = st.session_state.get(f"{self.key} narrowed", shown)
        st.session_state[f"{self.key} narrowed"] = shown
        if before != shown:
            self.turn_to(1)
        asked = self._asked("page")
        return int(asked) if asked.isdecimal() and len(asked) < 10 and int(asked) else 1

    def words(self) -> str:
        """What its rows are searched for."""
        return self._asked("search").strip()

    def columns(self, columns: Sequence[Column], more: Sequence[Column]) -> list[Column]:
        """Those that the reader has chosen of all of them, or else ``columns``. A small table has
        no choice.
        """
        by_name = {column.name: column for column in (*columns, *more)}
        store_columns(self.key)
        asked = self._asked("columns")
        is_small = len(by_name) <= FEW
        names = dict.fromkeys(asked.split(",") if asked or is_small else own_columns(self.key))
        return [by_name[name] for name in names if name in by_name] or list(columns)

    def sort(self, order: str) -> None:
        """Sort it by this, from its first page on."""
        self._set("sort", order)
        self._set("page", "")

    def search(self, words: str) -> None:
        """Show the rows that mention the words, from the first page on."""
        self._set("search", words)
        self._set("page", "")

    def turn_to(self, page: int) -> None:
        """Show this page."""
        self._set("page", str(page) if page > 1 else "")

    def choose(self, names: Sequence[str]) -> None:
        """Show these columns; none for those of the beginning."""
        remember_columns(self.key, names)
        self._set("columns", ",".join(names))

    def _asked(self, what: str) -> str:
        return st.query_params.get(f"{self.key}.{what}", "")

    def _set(self, what: str, value: str) -> None:
        name = f"{self.key}.{what}"
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]
