"""A forgotten password: whoever asks for a link reads the same, whether there is such an account or
not.
"""

from __future__ import annotations

import streamlit as st

from core.platform.errors import TooManyRequests
from core.tenancy.access.password_resets import MINUTES, ask_for_link
from core.ui.page import link_to_start, open_to_all, own_address

open_to_all("forgot")
_, middle, _ = st.columns([1, 2, 1])
with middle:
    st.title("Forgot your password?")
    with st.form("forgot"):
        email = st.text_input("E-mail address", autocomplete="username")
        sent = st.form_submit_button("Send link", type="primary", width="stretch")
    if sent:
        try:
            ask_for_link(email, address=own_address())
        except TooManyRequests as error:
            st.warning(
                f"{error.message} It works again in {error.retry_after_s // 60 + 1} minutes."
            )
        else:
            st.success(
                "If there is an account with this address, we have e-mailed a link to set a new"
                f" password. It is valid for {MINUTES} minutes. If it does not arrive, check your"
                " spam folder, or ask an admin which address your account has."
            )
    link_to_start("Back to sign-in")
