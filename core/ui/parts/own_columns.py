"""The columns that a person has chosen for a list, which stay theirs beyond the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.tenancy.access.list_views import choose_columns, list_choice
from core.ui.parts.reader import reader


def own_columns(key: str) -> list[str]:
    """What the reader chose for the table ``key``, in their order; looked up once per window."""
    viewer = reader()
    if viewer is None:
        return []
    if _known(key) not in st.session_state:
        with viewer.transaction() as db:
            choice = list_choice(db, key, viewer)
            st.session_state[_known(key)] = choice.columns if choice else []
    names: list[str] = st.session_state[_known(key)]
    return names


def know_columns(key: str, names: Sequence[str]) -> None:
    """These are the reader's own, as whoever asked the database for more has found."""
    st.session_state[_known(key)] = list(names)


def remember_columns(key: str, names: Sequence[str]) -> None:
    """These are the reader's own from now on. It is stored when the page knows again who reads it:
    this is called before that.
    """
    st.session_state[_chosen(key)] = list(names)


def store_columns(key: str) -> None:
    """Store what the reader has just chosen, unless they look as somebody else."""
    viewer = reader()
    names: list[str] | None = st.session_state.pop(_chosen(key), None)
    if viewer is None or viewer.seen_by is not None or names is None:
        return
    with viewer.transaction() as db:
        choose_columns(db, key, names, viewer)
    st.session_state[_known(key)] = names


def _chosen(key: str) -> str:
    return f"{key} columns chosen"


def _known(key: str) -> str:
    return f"{key} columns known"
