"""The part that makes a page follow the data: while its tab is visible, the browser asks for a
stamp of the data, and the page is drawn anew when another one comes back.

It stands in a fragment whose first line is ``require(…, live=True)``: nobody has done anything, so
neither the question nor what follows from it may keep a session from ending.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_mount = st.components.v2.component("live", js=Path(__file__).with_name("live.js").read_text())


def follow(address: str, stamp: str) -> None:
    """Draw the fragment anew as soon as ``address`` answers with another stamp than that of what is
    shown, or refuses to answer, as it does when the session has ended.
    """
    _mount(key="live", data={"address": address, "stamp": stamp}, on_changed_change=lambda: None)
