"""How figures are counted, and why: the page that each figure's help leads to."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.ui.page import open_to_all

open_to_all("decisions")
heading, _, text = (
    (Path(__file__).parents[2] / "docs/decisions.md").read_text("utf-8").partition("\n")
)
st.title(heading.removeprefix("# "))
st.markdown(text.replace("$", r"\$"))
