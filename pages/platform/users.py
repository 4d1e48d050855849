"""Users: everybody who signs in anywhere; to search, deactivate and delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from sqlalchemy import Row

from core.tenancy.access.platform_admin import (
    CONFIRMED,
    MOST_USERS,
    delete_user,
    delete_users_without_organization,
    set_user_active,
    users_overview,
    users_without_organization,
)
from core.ui.page import act, empty, go, no_such, require, title
from core.ui.parts.columns import Moment, Text
from core.ui.parts.confirmation import confirm_by_typing
from core.ui.parts.format import escape_markdown, plural, when
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

viewer = require("users")
chosen_id = id_from_address()


def state_of(row: Row[Any]) -> str:
    """How a user stands, in a word or two."""
    if row.deleted_at:
        return "Deleted"
    return ("Super admin" if row.is_super_admin else "Active") if row.active else "Deactivated"


def show_all() -> None:
    """The list, narrowed by name or address."""
    title("Users", viewer, "Everybody who signs in, in every organisation")
    search = (
        st.text_input("Search", key="q", bind="query-params", placeholder="Name or e-mail address")
        or ""
    )
    with viewer.transaction() as db:
        found, adrift = users_overview(db, search), users_without_organization(db)
    if adrift:
        ask_to_delete(adrift)
    if not found:
        empty("No users found", "Try part of the name or the address.")
        return
    if len(found) == MOST_USERS:
        st.caption(f"Showing the first {MOST_USERS}. Search to find others.")
    show_table(found)


def show_table(found: Sequence[Row[Any]]) -> None:
    """Everybody who was found."""
    rows = pd.DataFrame(
        [
            {
                "id": row.id,
                "name": row.name,
                "email": row.email,
                "places": ", ".join(row.places) or "No organisation",
                "last_seen_at": row.last_seen_at,
                "state": state_of(row),
            }
            for row in found
        ]
    )
    table(
        rows,
        "users",
        opens="users",
        card=("name", "places", "state"),
        columns=[
            Text("name", "Name"),
            Text("email", "E-mail"),
            Text("places", "Member of"),
            Moment("last_seen_at", "Last seen", viewer.timezone),
            Text("state", "State"),
        ],
    )


def ask_to_delete(adrift: Sequence[Row[Any]]) -> None:
    """Those who are left behind when their only organisation is gone: who they are, and their end
    in one go.
    """
    many = plural(len(adrift), "person belongs", "people belong")
    typed = confirm_by_typing(
        f"{many} to no organisation",
        "adrift",
        concerned=[f"{row.name} · {row.email}" for row in adrift[:MOST_USERS]],
        warning=(
            "They have no access to anything. Deleting permanently removes name, address,"
            " password and second factor. Their work stays."
        ),
        prompt=f"Type {CONFIRMED} to confirm",
        button="Delete all of them" if len(adrift) <= MOST_USERS else f"Delete these {MOST_USERS}",
    )
    if typed is not None:
        with act(viewer, "Deleted.") as db:
            delete_users_without_organization(
                db, [row.id for row in adrift[:MOST_USERS]], typed=typed
            )
        st.rerun()


def show_one(row: Row[Any]) -> None:
    """One user: where they belong, and how to deactivate them."""
    title(row.name, viewer, row.email)
    go("users", "← All users")
    st.markdown(
        escape_markdown(f"{state_of(row)} · last seen {when(row.last_seen_at, viewer.timezone)}")
    )
    st.markdown(escape_markdown("Member of " + (", ".join(row.places) or "no organisation")))
    if row.deleted_at or row.id == viewer.user_id:
        return
    if st.button(
        "Deactivate" if row.active else "Reactivate",
        help="Deactivating ends every session and token at once.",
    ):
        with act(
            viewer,
            f"{row.name} can no longer sign in."
            if row.active
            else f"{row.name} can sign in again.",
        ) as db:
            set_user_active(db, row.id, not row.active, by=viewer.user_id)
        st.rerun()
    typed = confirm_by_typing(
        "Delete this user",
        "delete",
        warning=(
            "Name, address, password, second factor, sessions and memberships are permanently"
            " removed. Their work stays without their name. Bookings, payments and payouts of their"
            " closer or setter entry stay, and the entry keeps its name on the lists."
        ),
        prompt="Type their e-mail address to confirm",
        button="Delete user",
    )
    if typed is not None:
        with act(viewer, "Deleted.") as db:
            delete_user(db, row.id, email=row.email, typed=typed, by=viewer.user_id)
        st.rerun()


if chosen_id is None:
    show_all()
else:
    with viewer.transaction() as db:
        user = next(iter(users_overview(db, str(chosen_id))), None)
    if user is None:
        no_such("user", "The link may be old.", ("users", "All users"))
    show_one(user)
