"""The fields in which somebody chooses a password."""

from __future__ import annotations

import streamlit as st


def password_twice(label: str) -> tuple[str, str]:
    """A new password and what was typed as the same again."""
    hint = "At least 12 characters. A few words in a row are easiest to remember."
    return (
        st.text_input(label, type="password", autocomplete="new-password", help=hint),
        st.text_input("Repeat password", type="password", autocomplete="new-password"),
    )
