"""The sign-in: streamlit-authenticator draws the form; the check, its limits and the session behind
it are our own.

It has no cookie, because its own is readable by scripts and survives signing out, and its list of
users, which would hold everybody's hash in memory, stays empty. That uses private attributes, hence
the pinned version.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

import streamlit as st
from streamlit_authenticator import Authenticate
from streamlit_authenticator.controllers import AuthenticationController

from core.platform.clock import now
from core.platform.errors import NotAllowed, SalesOpsError, TooManyRequests
from core.tenancy.access.sessions import explain_no_organization, organizations_for_user
from core.tenancy.identity.second_factor import check_code, has_second_factor
from core.tenancy.identity.sign_in import WRONG, issue_ticket, sign_in
from core.ui.brand import show_product
from core.ui.page import own_address
from core.ui.panels.company_sign_in import show_company_sign_in
from core.ui.parts.format import escape_markdown

KEY = secrets.token_urlsafe(32)
USER = "signed-in user"
HALF = "password was right"
HALF_LASTS = timedelta(minutes=5)
# The library's button is the one thing to press here, and cannot be asked to look so.
PRIMARY_BUTTON = (
    "<style>[data-testid='stBaseButton-secondaryFormSubmit'] { background: light-dark(#2F5BD8,"
    " #4767E2); border-color: transparent; color: #fff; width: 100% }</style>"
)
FIELDS = {
    "Form name": "Sign in",
    "Username": "E-mail address",
    "Password": "Password",
    "Login": "Sign in",
}


class _NoCookie:
    """Stands where the library keeps its cookie, which it would write through a frame, and frames
    are refused.
    """

    def get_cookie(self) -> None:
        return None

    def set_cookie(self) -> None:
        return None


class _Form(Authenticate):
    """The library's form, made without its cookie."""

    def __init__(self) -> None:
        self.path, self.attrs, self.secret_key = None, {"login_sleep_time": 0}, KEY
        self.cookie_controller = _NoCookie()
        self.authentication_controller = AuthenticationController(
            {"usernames": {}}, auto_hash=False, secret_key=KEY
        )


class _Nobody(dict[str, Any]):
    """The library asks for the user it has just let in; we know them already."""

    def __missing__(self, _: str) -> dict[str, Any]:
        return {"name": "", "email": "", "roles": None}


def show_sign_in() -> None:
    """Draw the form; a right password leads through a ticket to the cookie and back to the address
    that was asked for.
    """
    _, middle, _ = st.columns([1, 1.4, 1])
    with middle:
        st.html(PRIMARY_BUTTON)
        show_product()
        if _is_half_in():
            _show_code_form()
            return
        form = _Form()
        model = form.authentication_controller.authentication_model
        model.credentials, model.check_credentials = {"usernames": _Nobody()}, _fits
        try:
            form.login(fields=FIELDS, key="sign-in")
        except TooManyRequests as error:
            st.error(f"{error.message} It works again in {error.retry_after_s // 60 + 1} minutes.")
            return
        st.html('<a class="so-rows" href="./forgot">Forgot your password?</a>')
        from_company = show_company_sign_in()
        if from_company is not None:
            _proceed(from_company)
        elif USER in st.session_state:
            _proceed(st.session_state.pop(USER))
        elif st.session_state.get("authentication_status") is False:
            st.error(WRONG)


def _fits(email: str, password: str) -> bool:
    try:
        st.session_state[USER] = sign_in(email, password, address=own_address())
    except NotAllowed:
        return False
    return True


def _proceed(user_id: UUID) -> None:
    """In, or for whoever has a second factor, on to its code."""
    st.session_state.pop("authentication_status", None)
    if not organizations_for_user(user_id):
        st.error(escape_markdown(explain_no_organization(user_id)))
        return
    if has_second_factor(user_id):
        st.session_state[HALF] = (user_id, now() + HALF_LASTS)
        st.rerun()
    _enter(issue_ticket(user_id))


def _is_half_in() -> bool:
    """Whether this browser has given a right password in the last minutes; the server
    remembers it that long.
    """
    half = st.session_state.get(HALF)
    if half is not None and half[1] <= now():
        del st.session_state[HALF]
        st.warning("That took more than five minutes. Sign in again.")
    return HALF in st.session_state


def _show_code_form() -> None:
    with st.form("second factor", enter_to_submit=True):
        st.subheader("One more step")
        code = st.text_input(
            "Code",
            autocomplete="one-time-code",
            help="From your authenticator app, or one of your recovery codes.",
        )
        sent = st.form_submit_button("Sign in", type="primary")
    if st.button("Start again"):
        del st.session_state[HALF]
        st.rerun()
    if not sent:
        return
    user_id, _ = st.session_state[HALF]
    try:
        check_code(user_id, code, address=own_address())
    except SalesOpsError as error:
        st.error(error.message)
        return
    del st.session_state[HALF]
    _enter(issue_ticket(user_id))


def _enter(ticket: str) -> None:
    """A page cannot set an HttpOnly cookie; a route can, so the browser is sent through one."""
    target = f"/auth/ticket?t={quote(ticket)}&next={quote(_asked_for(), safe='')}"
    st.html(f"<script>location.replace({target!r})</script>", unsafe_allow_javascript=True)


def _asked_for() -> str:
    """Path and query of the page that the browser is at."""
    path = urlsplit(st.context.url or "").path or "/"
    query = urlencode(st.query_params.to_dict())
    return f"{path}?{query}" if query else path
