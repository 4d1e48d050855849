"""The fields in which somebody chooses a password."""

from __future__ import annotations

import streamlit as st


def password_twice(label: str) -> tuple[str, str]:
    """A new password and what was typed as the same again."""
    hint = "At least 12 characters; a few words in a row are easiest."
    return (
        st.text_input(label, type="password", autocomplete="new-password", help=hint),
        st.text_input("The same password again", type="password", autocomplete="new-password"),
    )
