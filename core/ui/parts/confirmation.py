"""A question before something goes for good."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def confirm_by_typing(
    heading: str,
    key: str,
    *,
    warning: str,
    prompt: str,
    button: str,
    concerned: Sequence[str] = (),
) -> str | None:
    """A closed form that says what will be lost, and for whom (``concerned``). What was typed into
    it, once it is sent; whether that is right is for the action to check.
    """
    with st.expander(heading), st.form(key, clear_on_submit=True):
        for each in concerned:
            st.text(each)
        st.markdown(warning)
        typed = st.text_input(prompt)
        sent = st.form_submit_button(button)
    return typed if sent else None
