"""Your account: the password, the second factor, and where you are signed in."""
from __future__ import annotations

import segno
import streamlit as st

from core.tenancy.account import SignedIn, account_of, change_password, end_session, end_sign_ins, sessions_of
from core.tenancy.queries import home_of
from core.tenancy.second_factor import (
    SecondFactor,
    begin,
    cancel,
    confirm,
    renew_codes,
    require_of_everybody,
    second_factor_of,
    switch_off,
    waiting_secret,
)
from core.tenancy.totp import address_for_app, in_groups
from core.ui.devices import device
from core.ui.format import plain, when
from core.ui.page import act, own_address, own_token, require, title

CODES = "recovery codes to be kept"
viewer = require("account")
title("Your account", viewer, viewer.name)
with viewer.transaction() as db:
    account = account_of(db, own_token())
    sessions = sessions_of(db, own_token())
    factor = second_factor_of(db, account.user_id)
    waiting = waiting_secret(db, own_token())
    home = home_of(db)
st.text(f"You sign in as {account.email}")


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


def show_recovery_codes(codes: list[str]) -> None:
    """The codes, this once."""
    st.success("The second factor is on. Keep these ten codes where you keep your passport: each opens your account once.")
    st.code("\n".join(codes), language=None)
    if st.button("I have kept them", type="primary"):
        del st.session_state[CODES]
        st.rerun()


def ask_for_password(key: str, label: str, *, with_code: bool) -> tuple[str, str] | None:
    """The password, when there is one, and a code; what was sent, or None."""
    with st.form(key):
        password = st.text_input("Your password", type="password", autocomplete="current-password") if account.has_password else ""
        code = st.text_input("Code", autocomplete="one-time-code", help="From the app, or a recovery code.") if with_code else ""
        return (password, code) if st.form_submit_button(label) else None


def show_no_factor() -> None:
    """What it is for, and the first step."""
    st.caption("After your password you type a code from an app on your telephone, so a stolen password alone opens nothing.")
    with st.expander("Set up the second factor", expanded=viewer.second_factor_missing):
        sent = ask_for_password("begin", "Begin", with_code=False)
    if sent:
        with act(viewer) as db:
            begin(db, own_token(), sent[0], address=own_address())
        st.rerun()


def show_waiting_factor(secret: str) -> None:
    """The secret as a picture and in letters, and the question for the app's first code."""
    st.markdown("Scan this with an authenticator app, or type the key into it. Then enter the code that it shows.")
    st.image(segno.make(address_for_app(secret, account.email), error="m").svg_inline(scale=4, border=4, light="#fff"), width=220)
    st.code(in_groups(secret), language=None, wrap_lines=True)
    with st.form("confirm"):
        code = st.text_input("Code", autocomplete="one-time-code")
        sent = st.form_submit_button("Switch on", type="primary")
    if st.button("Not now"):
        with act(viewer) as db:
            cancel(db, own_token())
        st.rerun()
    if sent:
        with act(viewer) as db:
            codes = confirm(db, own_token(), code)
        st.session_state[CODES] = codes
        st.rerun()


def show_factor(factor: SecondFactor) -> None:
    """That it is on, since when, and how to renew the codes or go without."""
    st.markdown(f"**On** since {when(factor.confirmed_at, viewer.timezone)} · {factor.codes_left} recovery codes left")
    if factor.codes_left <= 2:
        st.warning("Few recovery codes are left. Make new ones while you still have your telephone.")
    with st.expander("New recovery codes"):
        renew = ask_for_password("renew", "Make ten new codes", with_code=True)
    with st.expander("Switch off"):
        off = ask_for_password("off", "Switch off", with_code=True)
    if renew:
        with act(viewer) as db:
            codes = renew_codes(db, own_token(), *renew, address=own_address())
        st.session_state[CODES] = codes
        st.rerun()
    if off:
        with act(viewer, "The second factor is off.") as db:
            switch_off(db, own_token(), *off, address=own_address())
        st.rerun()


def show_requirement() -> None:
    """For admins: whether everybody needs a second factor."""
    wanted = not home.require_second_factor
    state = "asks everybody for a second factor." if home.require_second_factor else "leaves the second factor to each person."
    st.caption(f"{plain(viewer.organization_name)} {state}")
    if st.button("Ask everybody for a second factor" if wanted else "Leave it to each person"):
        with act(viewer, "From now on, whoever has none sets one up before anything else." if wanted else "Saved.") as db:
            require_of_everybody(db, own_token(), wanted)
        st.rerun()


def show_second_factor() -> None:
    """Whichever of its states the second factor is in."""
    st.subheader("Second factor")
    if viewer.second_factor_missing:
        st.warning(f"{plain(viewer.organization_name)} asks everybody for a second factor. Set yours up, then everything else opens.")
    if CODES in st.session_state:
        show_recovery_codes(st.session_state[CODES])
    elif waiting is not None:
        show_waiting_factor(waiting)
    elif factor is None:
        show_no_factor()
    else:
        show_factor(factor)
    if viewer.is_admin and not viewer.second_factor_missing:
        show_requirement()


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
show_second_factor()
show_sessions()
