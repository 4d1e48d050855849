"""The organisation's logo: what is shown, another one, and none."""

from __future__ import annotations

import streamlit as st

from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.logo import set_logo
from core.ui.brand import avatar, forget_logo, logo_address
from core.ui.page import act
from core.ui.parts.popovers import closing_popover


def show_logo(viewer: Viewer) -> None:
    """The present logo, or the initials in its place, and the way to change it."""
    address = logo_address(viewer)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html(avatar(viewer.organization_name, address), width="content")
        with st.container():
            st.markdown("**Logo**")
            st.caption("Shown in the sidebar. PNG, JPEG or WebP, 128 KB at most.")
        with closing_popover("Change", "change logo"), st.form("logo", border=False):
            picture = st.file_uploader("Picture", type=["png", "jpg", "jpeg", "webp"])
            place = st.container()
            saved = st.form_submit_button("Save", type="primary", key="save logo")
            removed = bool(address) and st.form_submit_button("Remove logo")
    if saved and picture is None:
        place.error("Choose a file first.")
    elif saved or removed:
        with place, act(viewer, "Logo saved." if saved else "Logo removed.") as db:
            set_logo(db, picture.getvalue() if saved and picture else None)
        forget_logo(viewer)
        st.rerun()
