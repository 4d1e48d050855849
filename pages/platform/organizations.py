"""Organisations: all tenants of the installation; made, configured, deleted with a grace, brought
back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from sqlalchemy import Row

from core.operations.organizations import organizations_overview
from core.platform.notation import LOCALES, locale_in_words
from core.tenancy.access.platform_admin import (
    GRACE_DAYS,
    PLANS,
    configure_organization,
    create_organization_as_admin,
    delete_organization,
    restore_organization,
)
from core.tenancy.organizations.models import OrganizationStatus
from core.tenancy.organizations.modules import MODULES
from core.ui.page import act, go, no_such, require, title
from core.ui.panels.organization_status import show_status
from core.ui.parts.columns import Moment, Number, Text
from core.ui.parts.confirmation import confirm_by_typing
from core.ui.parts.format import escape_markdown, plural, when
from core.ui.parts.forms import Form
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

viewer = require("organizations")
chosen_id = id_from_address()


def ask_for_new() -> None:
    """The form of a new organisation."""
    form = Form("create organisation")
    with st.expander("Create an organisation"), form.drawn(border=False):
        name = form.field("name", "Name", st.text_input)
        slug = form.field(
            "slug", "Short name for links", st.text_input, placeholder="lower-case-with-hyphens"
        )
        timezone = form.field(
            "timezone", "Time zone", st.text_input, placeholder="Europe/Copenhagen"
        )
        currency = form.field("currency", "Currency", st.text_input, placeholder="USD")
        locale = form.field(
            "locale",
            "Numbers and dates",
            st.selectbox,
            options=LOCALES,
            format_func=locale_in_words,
        )
        sent = st.form_submit_button("Create organisation", type="primary")
    if sent:
        done = "Organisation created. Select it in the sidebar to invite its first admin."
        with act(viewer, done, form) as db:
            made = create_organization_as_admin(
                db,
                name=name,
                slug=slug.strip(),
                timezone=timezone.strip(),
                currency=currency,
                locale=locale,
            )
        st.query_params["id"] = str(made)
        st.rerun()


def state_of(row: Row[Any]) -> str:
    """The status of an organisation, or when a deleted one is gone."""
    if row.deleted_at:
        return f"Deleted, removed {when(row.purge_after, viewer.timezone)}"
    status = OrganizationStatus(row.status).label
    return f"{status}, demo" if row.is_demo else status


def show_all(found: Sequence[Row[Any]]) -> None:
    """The list, and the form for a new one."""
    title("Organisations", viewer, plural(len(found), "organisation", "organisations"))
    ask_for_new()
    rows = pd.DataFrame(
        [
            {
                "id": row.id,
                "name": row.name,
                "members": row.members,
                "events": row.events,
                "plan": row.plan.capitalize(),
                "last_delivery_at": row.last_delivery_at,
                "modules": ", ".join(MODULES.get(name, name) for name in row.modules),
                "state": state_of(row),
            }
            for row in found
        ]
    )
    table(
        rows,
        "organizations",
        opens="organizations",
        card=("name", "plan", "state"),
        columns=[
            Text("name", "Name"),
            Number("members", "Members"),
            Number("events", "Bookings"),
            Moment("last_delivery_at", "Last delivery", viewer.timezone),
            Text("plan", "Plan"),
            Text("modules", "Modules"),
            Text("state", "Status"),
        ],
    )


def show_one(row: Row[Any]) -> None:
    """One organisation: what it has, what it is allowed, and its end."""
    title(row.name, viewer, row.slug)
    go("organizations", "← All organisations")
    facts = (
        plural(row.members, "member", "members"),
        plural(row.events, "booking", "bookings"),
        f"last delivery {when(row.last_delivery_at, viewer.timezone)}",
        f"created {when(row.created_at, viewer.timezone)}",
    )
    st.markdown(escape_markdown(" · ".join(facts)))
    if row.deleted_at:
        st.warning(
            f"Deleted. Members have no access. It will be permanently removed"
            f" {when(row.purge_after, viewer.timezone)}."
        )
        if st.button("Restore", type="primary"):
            with act(viewer, "Organisation restored.") as db:
                restore_organization(db, row.id)
            st.rerun()
        return
    show_status(viewer, row.id, OrganizationStatus(row.status))
    ask_what_it_has(row)
    ask_to_delete(row)


def ask_what_it_has(row: Row[Any]) -> None:
    """The modules and the plan of an organisation."""
    with st.form("configure"):
        modules = st.multiselect(
            "Modules",
            list(MODULES),
            default=[name for name in row.modules if name in MODULES],
            format_func=lambda name: MODULES[name],
            help="Navigation shows only what is on.",
        )
        plan = st.selectbox(
            "Plan",
            PLANS,
            index=PLANS.index(row.plan),
            format_func=str.capitalize,
            help="Limits how many API requests an hour its programs can send.",
        )
        if st.form_submit_button("Save", type="primary"):
            with act(viewer, "Saved.") as db:
                configure_organization(db, row.id, modules, plan or row.plan)
            st.rerun()


def ask_to_delete(row: Row[Any]) -> None:
    """The end of an organisation, after a grace."""
    typed = confirm_by_typing(
        "Delete this organisation",
        "delete",
        warning=(
            "Its members, API keys and connections stop working at once. You can restore it for"
            f" {GRACE_DAYS} days; then its {plural(row.events, 'booking', 'bookings')}, payments,"
            " payouts and audit log are permanently removed."
        ),
        prompt=f"Type {escape_markdown(row.name)} to confirm",
        button="Delete organisation",
    )
    if typed is not None:
        with act(viewer, "Organisation deleted. You can restore it.") as db:
            delete_organization(db, row.id, name=row.name, typed=typed)
        st.rerun()


with viewer.transaction() as db:
    organizations = organizations_overview(db)
if chosen_id is None:
    show_all(organizations)
elif row := next((row for row in organizations if row.id == chosen_id), None):
    show_one(row)
else:
    no_such(
        "organisation",
        "It may have been permanently removed.",
        ("organizations", "All organisations"),
    )
