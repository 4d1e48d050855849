"""Your account: the password, and where you are signed in."""
from __future__ import annotations

import streamlit as st

from core.tenancy.account import SignedIn, account_of, change_password, end_session, end_sign_ins, sessions_of
from core.ui.devices import device
from core.ui.format import plain, when
from core.ui.page import act, own_address, own_token, require, title

viewer = require("account")
title("Your account", viewer, f"{viewer.name} · {viewer.email}")
with viewer.transaction() as db:
    account = account_of(db, own_token())
    sessions = sessions_of(db, own_token())


def show_password() -> None:
    """The password's age, and the form that changes it."""
    st.subheader("Password")
    if account.password_changed_at:
        st.caption(f"Last changed {when(account.password_changed_at, viewer.timezone)}.")
    with st.expander("Change password"), st.form("password"):
        current = st.text_input("Current password", type="password", autocomplete="current-password")
        new = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("New password again", type="password", autocomplete="new-password")
        st.caption("Twelve characters or more; a few words in a row are easiest. Your other browsers are signed out.")
        sent = st.form_submit_button("Change password", type="primary")
    if sent and new != again:
        st.error("The two new passwords are not the same.")
    elif sent:
        with act(viewer, "Password changed. Your other browsers are signed out, and programs have to sign in again.") as db:
            change_password(db, own_token(), current=current, new=new, address=own_address())
        st.rerun()


def show_session(session: SignedIn) -> None:
    """One browser: what it is, where, since when, and the way to sign it out."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container():
            st.markdown(f"**{device(session.user_agent)}**" + (" · this browser" if session.is_this else ""))
            since, last = when(session.created_at, viewer.timezone), when(session.last_seen_at, viewer.timezone)
            st.caption(f"{plain(session.ip_address or 'unknown address')} · signed in {since} · last seen {last}")
        if not session.is_this and st.button("Sign out", key=f"end {session.id}"):
            with act(viewer, "That browser is signed out.") as db:
                end_session(db, own_token(), session.id)
            st.rerun()


def show_sessions() -> None:
    """Every browser that is signed in, and the ways to end all of them."""
    st.subheader("Where you are signed in")
    st.caption("A browser is signed out after 12 hours without use, and after 7 days in any case.")
    for session in sessions:
        show_session(session)
    with st.container(horizontal=True):
        others = st.button("Sign out the other browsers", disabled=len(sessions) < 2)
        everywhere = st.button("Sign out everywhere, here too")
    if others or everywhere:
        with act(viewer, "Signed out there, and programs have to sign in again.") as db:
            end_sign_ins(db, own_token(), also_this=everywhere)
        st.rerun()


if account.has_password:
    show_password()
show_sessions()
