"""The user guide, as the documentation has it: the page that each screen's "?" leads to."""

from __future__ import annotations

import streamlit as st

from core.ui.guide import guide_text
from core.ui.page import open_to_all

open_to_all("guide")
heading, _, text = guide_text().partition("\n")
st.title(heading.removeprefix("# "))
st.markdown(text.replace("$", r"\$"))
