"""View as: see the product as a member sees it, without being able to change anything."""

from __future__ import annotations

import streamlit as st

from core.platform.errors import NotAllowed
from core.tenancy.access.models import Role
from core.tenancy.access.view_as import members_to_view_as, start_view_as
from core.ui.navigation import jump
from core.ui.page import empty, require, shown_role, title
from core.ui.parts.format import escape_markdown
from core.ui.server.middleware import COOKIE

viewer = require("view-as")
title(
    "View as",
    viewer,
    "See the product as a member does. Start and end are recorded in the audit log.",
)
with viewer.transaction() as db:
    people = {member.user_id: member for member in members_to_view_as(db, viewer)}
if not people:
    empty(
        "No members to view as",
        "Active members with the same or fewer rights than you appear here.",
    )
    st.stop()
with st.form("view as"):
    chosen = st.selectbox(
        "Member",
        list(people),
        index=None,
        placeholder="Choose a member",
        format_func=lambda user: (
            f"{people[user].name} · {shown_role(Role(people[user].role))} · {people[user].email}"
        ),
    )
    st.caption(
        "You see everything they see. You cannot file forms, export or change anything until you"
        " stop."
    )
    sent = st.form_submit_button("View as this member", type="primary")
if sent and chosen is None:
    st.error("Choose a member.")
elif sent and chosen is not None:
    try:
        start_view_as(st.context.cookies.get(COOKIE) or "", viewer, people[chosen])
    except NotAllowed as error:
        st.error(escape_markdown(error.message))
        st.stop()
    jump("home")
