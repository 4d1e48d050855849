"""On one's account: every browser that is signed in, and the ways to end one or all."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.account import SignedIn, end_session, end_sign_ins
from core.ui.page import act, own_token
from core.ui.parts.devices import device
from core.ui.parts.format import escape_markdown, when


def show_sessions(viewer: Viewer, sessions: Sequence[SignedIn]) -> None:
    """Every browser that is signed in, and the ways to end all of them."""
    st.subheader("Where you are signed in")
    st.caption(
        "A browser is signed out after 12 hours of inactivity, and after 7 days in any case."
    )
    for session in sessions:
        _show_session(viewer, session)
    with st.container(horizontal=True):
        others = st.button("Sign out other browsers", disabled=len(sessions) < 2)
        everywhere = st.button("Sign out everywhere")
    if others or everywhere:
        with act(viewer, "Signed out. Programs have to sign in again.") as db:
            end_sign_ins(db, own_token(), also_this=everywhere)
        st.rerun()


def _show_session(viewer: Viewer, session: SignedIn) -> None:
    """One browser: what it is, where, since when, and the way to sign it out."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container():
            st.markdown(
                f"**{device(session.user_agent)}**" + (" · this browser" if session.is_this else "")
            )
            since, last = (
                when(session.created_at, viewer.timezone),
                when(session.last_seen_at, viewer.timezone),
            )
            st.caption(
                f"{escape_markdown(session.ip_address or 'unknown address')} · signed in {since} ·"
                f" last seen {last}"
            )
        if not session.is_this and st.button("Sign out", key=f"end {session.id}"):
            with act(viewer, "Browser signed out.") as db:
                end_session(db, own_token(), session.id)
            st.rerun()
