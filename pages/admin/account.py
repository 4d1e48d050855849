"""Your account: the password, the second factor, and where you are signed in."""

from __future__ import annotations

import streamlit as st

from core.tenancy.identity.account import account_of, sessions_of
from core.ui.page import own_token, require, title
from core.ui.panels.account.password import show_password
from core.ui.panels.account.second_factor import second_factor_panel, show_second_factor
from core.ui.panels.account.sessions import show_sessions

viewer = require("account")
title("Your account", viewer, viewer.name)
with viewer.transaction() as db:
    account = account_of(db, own_token())
    sessions = sessions_of(db, own_token())
    room = second_factor_panel(db, viewer, account)
st.text(f"You sign in as {account.email}")
if account.has_password:
    show_password(viewer, account)
show_second_factor(room)
show_sessions(viewer, sessions)
