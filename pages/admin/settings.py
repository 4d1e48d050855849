"""General settings of the organisation: each with its meaning, its present value, and what a change
does to what is there.
"""

from __future__ import annotations

import streamlit as st

from core.tenancy.access.members import members
from core.tenancy.access.reporting_lines import set_manager
from core.tenancy.organizations.queries import current_organization
from core.ui.page import act, go, require, title
from core.ui.panels.logo import show_logo
from core.ui.panels.organization_status import show_status
from core.ui.panels.settings import show_settings

viewer = require("settings")
title("General", viewer, "Every change is recorded in the audit log.")
with viewer.transaction() as db:
    status = current_organization(db).status
show_status(viewer, viewer.organization_id, status)
show_logo(viewer)
show_settings(viewer)
with viewer.transaction() as db:
    people = {member.user_id: member for member in members(db) if member.active}
st.subheader("Who reports to whom")
st.caption(
    "Applies when managers see only their own team. A manager also sees everybody who reports to"
    " a member of their team."
)
reporting = {
    user: people[member.manager_user_id]
    for user, member in people.items()
    if member.manager_user_id in people
}
for user, manager in sorted(
    reporting.items(), key=lambda pair: (pair[1].name, people[pair[0]].name)
):
    st.text(f"{people[user].name} reports to {manager.name}")
with st.popover("Change who reports to whom"), st.form("reporting", border=False):
    who = st.selectbox(
        "Member",
        list(people),
        index=None,
        format_func=lambda user: people[user].name,
        placeholder="Choose a member",
    )
    to = st.selectbox(
        "Reports to",
        [None, *people],
        format_func=lambda user: people[user].name if user else "Nobody",
    )
    sent = st.form_submit_button("Save", type="primary", key="save reporting")
if sent and who is not None:
    with act(viewer, "Saved.") as db:
        set_manager(db, who, to)
    st.rerun()
go("lists", "Edit closers, setters, sources and packages on Lists")
