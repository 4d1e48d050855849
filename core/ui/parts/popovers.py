"""Popovers that close once what they are for was done."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

DONE = "how often something was done in this window"


def note_done() -> None:
    """Something was done: the popovers of the next run are closed."""
    st.session_state[DONE] = st.session_state.get(DONE, 0) + 1


def closing_popover(label: str, key: str, **options: Any) -> DeltaGenerator:
    """A popover that stays open while something is refused in it, and closes with a success: after
    that it is another one to the browser, which knows it by its key.
    """
    return st.popover(label, key=f"{key} {st.session_state.get(DONE, 0)}", **options)
