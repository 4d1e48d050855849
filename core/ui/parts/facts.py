"""What is known of one thing, a line for each fact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


def show_facts(facts: Mapping[str, Any], heading: str = "Details") -> None:
    """Each fact after its name; what is not known is left out."""
    st.subheader(heading)
    for name, value in facts.items():
        if value:
            st.text(f"{name}: {value}")
