"""An invitation's answer: whoever holds the link becomes a member, with a new account or with the
one they have.
"""

from __future__ import annotations

import streamlit as st

from core.platform.errors import SalesOpsError
from core.platform.names import LONGEST_NAME
from core.tenancy.access.invitations import (
    Found,
    accept_as,
    accept_as_new,
    accept_with_password,
    look_up,
)
from core.tenancy.access.models import Role
from core.ui.page import current_viewer, link_to_start, open_to_all, own_address, shown_role
from core.ui.parts.format import escape_markdown
from core.ui.parts.new_password import password_twice

open_to_all("invitation")
JOINED = "joined"
ENDED = {
    "accepted": (
        "This invitation has already been accepted. Sign in with your e-mail address and password."
    ),
    "expired": "This invitation has expired. Ask the person who invited you to send it again.",
    "revoked": (
        "This invitation was revoked. If you think this is a mistake, ask the person who invited"
        " you."
    ),
}
UNKNOWN = "This invitation link is not valid. If you received several, only the latest one works."


def show_answered(organization: str) -> None:
    """What the person who has just accepted does next."""
    st.success(f"You are now a member of {escape_markdown(organization)}.")
    link_to_start("Continue")


def ask_new(found: Found) -> bool:
    """Name and password of a new account; whether it was made."""
    with st.form("new account"):
        st.text_input("E-mail address", found.email, disabled=True)
        name = st.text_input("Your name", autocomplete="name", max_chars=LONGEST_NAME)
        password, again = password_twice("Password")
        sent = st.form_submit_button("Join", type="primary", width="stretch")
    if sent and password != again:
        st.error("The two passwords do not match.")
        return False
    if sent:
        accept_as_new(token, name, password)
    return sent


def ask_known(found: Found) -> bool:
    """The password of the account that the address has; whether it was right."""
    st.markdown(
        f"You already have an account with {escape_markdown(found.email)}. Enter its password to"
        " join."
    )
    with st.form("known account"):
        password = st.text_input("Password", type="password", autocomplete="current-password")
        sent = st.form_submit_button("Join", type="primary", width="stretch")
    if sent:
        accept_with_password(token, password, address=own_address())
    return sent


def ask(found: Found) -> bool:
    """Whether the invitation has just been accepted."""
    viewer = current_viewer()
    if found.user_id is None:
        return ask_new(found)
    if viewer is None or viewer.seen_by is not None or viewer.user_id != found.user_id:
        return ask_known(found)
    joins = st.button(f"Join as {escape_markdown(viewer.name)}", type="primary")
    if joins:
        accept_as(token, viewer)
    return joins


_, middle, _ = st.columns([1, 2, 1])
with middle:
    st.title("Invitation")
    token = st.query_params.get("token", "")
    if token and st.session_state.get(JOINED, ("", ""))[0] == token:
        show_answered(st.session_state[JOINED][1])
        st.stop()
    found = look_up(token)
    if found is None or found.state != "open":
        st.warning(ENDED[found.state] if found else UNKNOWN)
        link_to_start("Sign in")
        st.stop()
    st.markdown(
        f"**{escape_markdown(found.organization)}** invites you to join as"
        f" {shown_role(Role(found.role))}."
    )
    try:
        accepted = ask(found)
    except SalesOpsError as error:
        st.error(escape_markdown(error.message))
        st.stop()
    if accepted:
        st.session_state[JOINED] = (token, found.organization)
        st.rerun()
