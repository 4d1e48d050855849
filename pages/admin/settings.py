"""General settings of the organisation: each with its meaning, its present value, and what a change
does to what is there.
"""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from core.tenancy.access.members import members
from core.tenancy.access.reporting_lines import set_manager
from core.tenancy.organizations.queries import current_organization
from core.ui.page import act, go, require, title
from core.ui.panels.logo import show_logo
from core.ui.panels.organization_status import show_status
from core.ui.panels.settings import show_settings
from core.ui.parts.forms import Form
from core.ui.parts.popovers import closing_popover

viewer = require("settings")
title("General", viewer, "Every change is recorded in the audit log.")
with viewer.transaction() as db:
    status = current_organization(db).status
show_status(viewer, viewer.organization_id, status)
show_logo(viewer)
show_settings(viewer)
with viewer.transaction() as db:
    people = {member.user_id: member for member in members(db) if member.active}


def name_of(user: UUID | None) -> str:
    """A member's name, or nobody's."""
    return people[user].name if user in people else "Nobody"


def ask_manager(who: UUID) -> None:
    """To whom a member reports, to be changed."""
    form = Form(
        f"reporting {who}",
        {"manager": people[who].manager_user_id},
        in_words=lambda _, user: name_of(user),
    )
    with form.drawn(border=False):
        options = [None, *people]
        held = form.read["manager"]
        to = form.field(
            "manager",
            "Reports to",
            st.selectbox,
            options=options,
            index=options.index(held) if held in options else 0,
            format_func=name_of,
        )
        sent = st.form_submit_button("Save", type="primary", key="save reporting")
    if sent:
        with act(viewer, "Saved.", form) as db:
            set_manager(db, who, to, form.read)
        st.rerun()


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
with closing_popover("Change who reports to whom", "reporting"):
    # Choosing the member draws the page anew, with the manager that the choice below replaces.
    who = st.selectbox(
        "Member",
        list(people),
        index=None,
        format_func=lambda user: people[user].name,
        placeholder="Choose a member",
        key="reporting member",
    )
    if who is not None:
        ask_manager(who)
go("lists", "Edit closers, setters, sources and packages on Lists")
