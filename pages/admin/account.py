"""Your account: the password, the second factor, and where you are signed in."""

from __future__ import annotations

import streamlit as st

from core.tenancy.account import account_of, sessions_of
from core.ui.account_password import show_password
from core.ui.account_second_factor import factor_room, show_second_factor
from core.ui.account_sessions import show_sessions
from core.ui.page import own_token, require, title

viewer = require("account")
title("Your account", viewer, viewer.name)
with viewer.transaction() as db:
    account = account_of(db, own_token())
    sessions = sessions_of(db, own_token())
    room = factor_room(db, viewer, account)
st.text(f"You sign in as {account.email}")
if account.has_password:
    show_password(viewer, account)
show_second_factor(room)
show_sessions(viewer, sessions)
