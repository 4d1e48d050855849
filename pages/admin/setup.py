"""Settings: every screen on which something is set up, with how it stands at present."""

from __future__ import annotations

import streamlit as st

from core.operations.settings_overview import present_settings
from core.tenancy.access.authorization import may_open
from core.ui.navigation import SCREENS, Screen
from core.ui.page import go, require, title

viewer = require("setup")
title("Settings", viewer, viewer.organization_name)
with viewer.transaction() as db:
    present = present_settings(db) if viewer.is_admin else {}
offered: dict[str, list[Screen]] = {}
for screen in SCREENS:
    if screen.about and may_open(viewer, screen.access) is None:
        offered.setdefault(screen.section, []).append(screen)
for section, screens in offered.items():
    st.subheader(section)
    with st.container(border=True):
        for screen in screens:
            what, stands = st.columns([3, 2], vertical_alignment="center")
            with what, st.container(gap=None):
                go(screen.key, screen.title)
                st.caption(screen.about)
            stands.text(present.get(screen.key, ""))
