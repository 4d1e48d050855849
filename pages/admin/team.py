"""Team: who belongs to the organisation, as what, whose bookings are theirs, and who has
been invited.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st

from core.bookings.roster import link_roster_to_user, roster_table
from core.messages.account_emails import open_invitations, send_invitation
from core.messages.suppression_list import unreachable
from core.platform.dataframes import records
from core.platform.normalization import normalize_email
from core.platform.settings import settings
from core.providers.email import check_reachable, delivery_method
from core.tenancy.access.invitations import invite, renew, revoke
from core.tenancy.access.members import members
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.team import roles_to_give, set_member_active, set_role
from core.ui.page import act, empty, go, require, shown_role, title
from core.ui.parts.columns import Text
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

viewer = require("team")
MAIL = {
    "waiting": "on its way",
    "sending": "on its way",
    "sent": "sent",
    "failed": "not sent",
    "uncertain": "perhaps sent",
}
title("Team", viewer)
with viewer.transaction() as db:
    people = members(db)
    roster = roster_table(db)
    invitations = open_invitations(db)
    addresses = [
        normalize_email(email) or ""
        for email in (*(member.email for member in people), *invitations["email"])
    ]
    silent = unreachable(db, addresses)


def say_unreachable(email: str) -> None:
    """That mail does not reach somebody, where that is known."""
    if reason := silent.get(normalize_email(email) or ""):
        st.warning(f"E-mail is not sent to this address: it {reason}.")
        go("blocked-addresses", "Open Blocked addresses")


def shown_row(row: dict[str, Any]) -> str:
    """A closer or setter as people speak of them."""
    return f"{row['kind'].capitalize()} {row['name']}"


def rows_of(user_id: UUID) -> list[dict[str, Any]]:
    """The closers and setters that are this person."""
    return [row for row in records(roster) if row["user_id"] == user_id]


def state_of(member: OrganizationMember) -> str:
    """Whether they get in, and whether e-mail reaches them."""
    reason = silent.get(normalize_email(member.email) or "")
    return ("Active" if member.active else "Deactivated") + (f", e-mail {reason}" if reason else "")


def show_people() -> None:
    """Everybody, and what they are."""
    shown = pd.DataFrame(
        [
            {
                "id": member.user_id,
                "name": member.name,
                "email": member.email,
                "role": shown_role(Role(member.role)).capitalize(),
                "state": state_of(member),
                "rows": ", ".join(map(shown_row, rows_of(member.user_id))) or "–",
            }
            for member in people
        ]
    )
    table(
        shown,
        "team",
        opens="team",
        card=("name", "role", "state"),
        columns=[
            Text("name", "Name"),
            Text("email", "E-mail address"),
            Text("role", "Role"),
            Text("state", "State"),
            Text("rows", "On the roster as"),
        ],
    )


def ask_whom_to_invite() -> None:
    """The form of a new invitation."""
    with st.expander("Invite a member"), st.form("invite", clear_on_submit=True):
        email = st.text_input("E-mail address", autocomplete="off", placeholder="name@example.com")
        roles = roles_to_give(viewer)
        role = st.selectbox(
            "Role",
            roles,
            index=roles.index(Role.SALES_REP),
            format_func=lambda role: shown_role(role).capitalize(),
        )
        sent = st.form_submit_button("Send invitation", type="primary")
    if sent:
        with act(viewer, "Invitation sent.") as db:
            check_reachable(email)
            send_invitation(db, viewer, invite(db, viewer, email, role))
        st.rerun()
    if delivery_method() == "folder":
        st.caption(
            escape_markdown(
                "No mail server is set up: e-mails are saved in the folder"
                f" {settings().data_dir / 'mail'}."
            )
        )


def show_invitation(row: dict[str, Any]) -> None:
    """One open invitation, and what can be done about it."""
    until = (
        "has expired" if row["expired"] else f"expires {when(row['expires_at'], viewer.timezone)}"
    )
    sent = f"sent {when(row['last_sent_at'], viewer.timezone)}"
    with st.container(border=True):
        st.markdown(f"**{escape_markdown(row['email'])}** as {shown_role(Role(row['role']))}")
        st.caption(
            escape_markdown(
                " · ".join(
                    filter(
                        None,
                        (until, sent, f"e-mail {MAIL.get(row['mail'], 'unknown')}", row["why"]),
                    )
                )
            )
        )
        say_unreachable(row["email"])
        if row["role"] in roles_to_give(viewer):
            with st.container(horizontal=True):
                offer_changes(row["id"])


def offer_changes(invitation_id: UUID) -> None:
    """The buttons that send an invitation again and take it back."""
    if st.button("Send again", key=f"renew {invitation_id}"):
        with act(viewer, "Invitation sent again. The earlier link no longer works.") as db:
            send_invitation(db, viewer, renew(db, viewer, invitation_id))
        st.rerun()
    if st.button("Revoke", key=f"revoke {invitation_id}"):
        with act(viewer, "Invitation revoked. The link no longer works.") as db:
            revoke(db, viewer, invitation_id)
        st.rerun()


def ask_role(member: OrganizationMember) -> None:
    """The member's role, to be changed."""
    roles = roles_to_give(viewer)
    with st.form("role"):
        role = st.selectbox(
            "Role",
            roles,
            index=roles.index(Role(member.role)),
            format_func=lambda role: shown_role(role).capitalize(),
        )
        if st.form_submit_button("Save role"):
            with act(viewer, f"{member.name} is now {shown_role(role)}.") as db:
                set_role(db, viewer, member.user_id, role)
            st.rerun()


def ask_roster(member: OrganizationMember) -> None:
    """Which closers and setters the member is."""
    rows = {row["id"]: row for row in records(roster) if row["user_id"] in (None, member.user_id)}
    mine = [row["id"] for row in rows_of(member.user_id)]
    with st.form("roster"):
        chosen = st.multiselect(
            "On the roster as",
            list(rows),
            default=mine,
            format_func=lambda row_id: shown_row(rows[row_id]),
            help=(
                "A sales rep sees the bookings and payments of these closers and setters, and no"
                " others."
            ),
        )
        if st.form_submit_button("Save"):
            with act(viewer, "Saved.") as db:
                link_roster_to_user(db, member.user_id, chosen)
            st.rerun()


def show_member(member: OrganizationMember) -> None:
    """One person, and what can be changed about them."""
    st.subheader(escape_markdown(member.name))
    st.caption(
        escape_markdown(
            f"{member.email} ·"
            f" {shown_role(Role(member.role))}{'' if member.active else ' · deactivated'}"
        )
    )
    say_unreachable(member.email)
    if member.role == Role.OWNER and not viewer.is_one_of(Role.OWNER):
        st.info("Only an owner can change an owner's role.")
    else:
        ask_role(member)
    ask_roster(member)
    if member.user_id == viewer.user_id or (
        member.role == Role.OWNER and not viewer.is_one_of(Role.OWNER)
    ):
        return
    label, done = (
        ("Deactivate", "can no longer sign in")
        if member.active
        else ("Reactivate", "can sign in again")
    )
    if st.button(label, help="A deactivated member is signed out at once. Their work stays."):
        with act(viewer, f"{member.name} {done}.") as db:
            set_member_active(db, viewer, member.user_id, not member.active)
        st.rerun()


member_id = id_from_address()
if member_id is not None:
    go("team", "← All members")
    chosen = [member for member in people if member.user_id == member_id]
    if chosen:
        show_member(chosen[0])
    else:
        empty("There is no such member", "The link may be old.")
    st.stop()
ask_whom_to_invite()
show_people()
st.subheader("Open invitations")
if invitations.empty:
    empty(
        "No open invitations",
        "People you invite are listed here until they accept. A closer or setter with the same"
        " e-mail address is linked to them then.",
    )
for invitation in records(invitations):
    show_invitation(invitation)
