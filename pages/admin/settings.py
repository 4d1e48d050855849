"""Settings of the organisation: each with its meaning, its present value, and what a change does to
what is there.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import streamlit as st

from core.tenancy.access.members import members
from core.tenancy.access.reporting_lines import set_manager
from core.tenancy.organizations.models import Organization
from core.tenancy.organizations.queries import current_organization
from core.tenancy.organizations.settings import SETTINGS, Setting, change_settings
from core.ui.page import act, go, require, title
from core.ui.parts.format import escape_markdown, plural

viewer = require("settings")
title("Settings", viewer, "Every change stands in the audit log")
with viewer.transaction() as db:
    home = current_organization(db)


def present(setting: Setting, home: Organization) -> str:
    """The setting's value in words."""
    value = getattr(home, setting.key)
    if setting.kind == "switch":
        return "On" if value else "Off"
    if value is None:
        return (setting.empty or "").capitalize()
    if setting.kind == "number":
        unit, _, rest = setting.unit.partition(" ")
        return f"{plural(value, unit.removesuffix('s'), unit)} {rest}".strip()
    return str(value)


def asked(setting: Setting, home: Organization) -> Any:
    """The setting's field, with its present value in it."""
    value = getattr(home, setting.key)
    if setting.kind == "switch":
        return st.toggle(setting.label, value=value)
    if setting.kind == "choice":
        return st.selectbox(setting.label, setting.choices, index=setting.choices.index(value))
    if setting.kind == "number":
        hint = f"{setting.least} to {setting.most} {setting.unit}" + (
            f"; empty means {setting.empty}" if setting.empty else ""
        )
        return st.number_input(
            setting.label, setting.least, setting.most, value=value, step=1, help=hint
        )
    return st.text_input(setting.label, value=value or "")


def show(setting: Setting, home: Organization) -> None:
    """One row: what it is and means, how it stands, and the way to change it."""
    what, value, change = st.columns([6, 3, 2], vertical_alignment="center")
    what.markdown(f"**{setting.label}**")
    what.caption(setting.meaning)
    value.markdown(escape_markdown(present(setting, home)))
    with (
        change.popover("Change", width="stretch", key=f"change {setting.key}"),
        st.form(setting.key, border=False),
    ):
        if setting.warning:
            st.warning(setting.warning)
        wanted = asked(setting, home)
        sent = st.form_submit_button("Save", type="primary", key=f"save {setting.key}")
    if sent:
        with act(viewer, f"{setting.label}: saved.") as db:
            change_settings(db, {setting.key: wanted})
        st.rerun()


for group, settings in groupby(SETTINGS, key=lambda setting: setting.group):
    st.subheader(group)
    with st.container(border=True):
        for setting in settings:
            show(setting, home)
with viewer.transaction() as db:
    people = {member.user_id: member for member in members(db) if member.active}
st.subheader("Who reports to whom")
st.caption(
    "Counts when managers see their own team only. Somebody who reports to a manager is seen by"
    " that manager's manager too."
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
go("lists", "Closers, setters, sources and packages are on the screen Lists")
