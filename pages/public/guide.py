"""The user guide, as the documentation has it: the page that each screen's "?" leads to."""

from __future__ import annotations

import streamlit as st

from core.ui.guide import anchor_of, contents, guide_text
from core.ui.page import open_to_all

open_to_all("guide")


def link(heading: str) -> str:
    """A link within the page."""
    return f"[{heading}](#{anchor_of(heading)})"


heading, _, text = guide_text().partition("\n")
introduction, _, sections = text.partition("\n## ")
st.title(heading.removeprefix("# "))
with st.container(border=True):
    st.markdown("**Contents**")
    for section, topics in contents().items():
        st.markdown(f"{link(section)}  \n{' · '.join(map(link, topics))}".rstrip())
st.markdown(introduction.replace("$", r"\$"))
st.markdown(f"## {sections}".replace("$", r"\$"))
