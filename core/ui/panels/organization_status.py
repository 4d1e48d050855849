"""The status of an organisation: what it is, what it means, and the way to change it."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from core.tenancy.access.organization_status import MEANINGS, set_status, statuses_for
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.models import OrganizationStatus
from core.ui.page import act


def show_status(viewer: Viewer, organization_id: UUID, status: OrganizationStatus) -> None:
    """The present status with its meaning, and a form to change it for whoever may."""
    with st.container(border=True):
        what, change = st.columns([9, 2], vertical_alignment="center")
        what.markdown(f"**Status: {status.label}**")
        what.caption(MEANINGS[status])
        with (
            change.popover("Change", width="stretch", key="change status"),
            st.form("status", border=False),
        ):
            options = statuses_for(viewer)
            wanted = st.radio(
                "Status",
                options,
                index=options.index(status) if status in options else None,
                format_func=lambda each: each.label,
                captions=[MEANINGS[each] for each in options],
            )
            sent = st.form_submit_button("Save status", type="primary")
    if sent and wanted is not None:
        with act(viewer, f"Status: {wanted.label}.") as db:
            set_status(db, organization_id, wanted)
        st.rerun()
