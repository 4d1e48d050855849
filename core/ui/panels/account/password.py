"""On one's account: the password's age, and another one."""

from __future__ import annotations

import streamlit as st

from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.account import Account, change_password
from core.ui.page import act, own_address, own_token
from core.ui.parts.format import when


def show_password(viewer: Viewer, account: Account) -> None:
    """The password's age, and the form that changes it."""
    st.subheader("Password")
    if account.password_changed_at:
        st.caption(f"Last changed {when(account.password_changed_at, viewer.timezone)}.")
    with st.expander("Change password"), st.form("password"):
        current = st.text_input(
            "Current password", type="password", autocomplete="current-password"
        )
        new = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("New password again", type="password", autocomplete="new-password")
        st.caption(
            "At least 12 characters. A few words in a row are easiest to remember. Your other"
            " browsers are signed out."
        )
        sent = st.form_submit_button("Change password", type="primary")
    if sent and new != again:
        st.error("The two new passwords do not match.")
    elif sent:
        with act(
            viewer,
            "Password changed. Your other browsers are signed out, and programs have to sign in"
            " again.",
        ) as db:
            change_password(db, own_token(), current=current, new=new, address=own_address())
        st.rerun()
