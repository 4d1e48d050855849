"""A new password, by the link that was sent to the account's address."""

from __future__ import annotations

import streamlit as st

from core.platform.errors import SalesOpsError
from core.tenancy.access.password_resets import GONE, choose_password, whose_link
from core.ui.page import link_to_start, open_to_all
from core.ui.parts.format import escape_markdown
from core.ui.parts.new_password import password_twice

open_to_all("reset")
DONE = "password chosen"


def chosen(email: str) -> bool:
    """Whether a new password has just been set."""
    with st.form("new password"):
        st.text_input("E-mail address", email, disabled=True)
        password, again = password_twice("New password")
        sent = st.form_submit_button("Save password", type="primary", width="stretch")
    if sent and password != again:
        st.error("The two passwords do not match.")
        return False
    if sent:
        choose_password(token, password)
    return sent


_, middle, _ = st.columns([1, 2, 1])
with middle:
    st.title("Choose a new password")
    token = st.query_params.get("token", "")
    if token and st.session_state.get(DONE) == token:
        st.success("Your new password is saved. You have been signed out on all browsers.")
        link_to_start("Sign in")
        st.stop()
    email = whose_link(token)
    if email is None:
        st.warning(GONE)
        st.html('<a class="so-rows" href="./forgot">Request a new link</a>')
        st.stop()
    try:
        done = chosen(email)
    except SalesOpsError as error:
        st.error(escape_markdown(error.message))
        st.stop()
    if done:
        st.session_state[DONE] = token
        st.rerun()
