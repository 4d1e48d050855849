"""Fields for secrets, which must be stored nowhere unless sealed."""

from __future__ import annotations

import streamlit as st


def secret_field(
    label: str, key: str, *, placeholder: str | None = None, hint: str | None = None
) -> str:
    """What was typed into a field that shows no letters and is offered by no browser; ``forget`` it
    before it is used.
    """
    return st.text_input(
        label, type="password", autocomplete="off", placeholder=placeholder, help=hint, key=key
    )


def forget(key: str) -> None:
    """Take what was typed out of the page's state, where it would stay until the browser's next
    word.
    """
    del st.session_state[key]
