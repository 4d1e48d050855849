"""The part with which anything is found: a button in the sidebar, and on every screen Ctrl or
Cmd and K. What is typed goes to the route ``/find``; what is chosen comes back to the script.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import streamlit as st

KEY = "finder"
_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "find",
    html=(_HERE / "finder.html").read_text(),
    css=(_HERE / "finder.css").read_text(),
    js=(_HERE / "finder.js").read_text(),
)


def finder(organization_id: UUID) -> dict[str, Any] | None:
    """Draw it for a tab that shows this organisation; returns what was chosen: ``screen`` and its
    ``parameters``.
    """
    result: Any = _mount(
        key=KEY, data={"organization": str(organization_id)}, on_open_change=lambda: None
    )
    return result.open if isinstance(result.open, dict) else None
