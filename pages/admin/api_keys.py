"""API keys: which programs may read or write the organisation's data, until when, and how much they
may ask.
"""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from core.platform.clock import now
from core.platform.notation import notation
from core.platform.settings import settings
from core.tenancy.access.api_keys import api_keys, create_api_key, revoke_api_key
from core.tenancy.access.api_limits import hourly_limit
from core.tenancy.access.models import ApiKey
from core.tenancy.access.scopes import EVERY
from core.tenancy.organizations.queries import current_organization
from core.ui.page import act, empty, require, title
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.forms import Form

NEW = "key to be kept"
GOOD_FOR = {"30 days": 30, "90 days": 90, "One year": 365, "Never": None}
WORDS = {"all": "Everything", "read": "Read everything", "write": "Read and write everything"}
viewer = require("api-keys")
title("API keys", viewer, "For programs. People sign in with their own password.")
with viewer.transaction() as db:
    home = current_organization(db)
    keys = api_keys(db)


def scope_in_words(scope: str) -> str:
    """``events:read`` as a person chooses it."""
    resource, _, right = scope.partition(":")
    verb = "Read" if right == "read" else "Read and write"
    return WORDS.get(scope) or f"{verb} {'post-call forms' if resource == 'pcf' else resource}"


def expiry_in_words(key: ApiKey) -> str:
    """Until when it opens something."""
    if key.revoked_at:
        return f"revoked {when(key.revoked_at, viewer.timezone)}"
    if key.expires_at is None:
        return "never expires"
    return (
        f"{'expired' if key.expires_at <= now() else 'expires'}"
        f" {when(key.expires_at, viewer.timezone)}"
    )


def show_key(key: ApiKey) -> None:
    """One key, and the way to end it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container():
            st.markdown(f"**{escape_markdown(key.name)}** · {escape_markdown(key.prefix)}…")
            used = (
                f"last used {when(key.last_used_at, viewer.timezone)}"
                if key.last_used_at
                else "never used"
            )
            scopes = ", ".join(scope_in_words(scope) for scope in key.scopes)
            st.caption(
                escape_markdown(
                    f"{scopes} · created {when(key.created_at, viewer.timezone)} · {used} ·"
                    f" {expiry_in_words(key)}"
                )
            )
        if key.revoked_at is None:
            with st.popover("Revoke"):
                offer_revoking(key)


def offer_revoking(key: ApiKey) -> None:
    """What revoking means, and the button that does it."""
    st.markdown(
        f"Programs that use {escape_markdown(key.name)} stop working at once. This cannot be"
        " undone."
    )
    if st.button("Revoke key", key=f"revoke {key.id}", type="primary"):
        with act(viewer, "Key revoked.") as db:
            revoke_api_key(db, key.id)
        st.rerun()


st.markdown(
    f"Limit for all programs together: **{notation().number(hourly_limit(home.plan))}** requests"
    f" an hour ({escape_markdown(home.plan.capitalize())} plan)."
)
st.text(f"API reference: {settings().webhook_public_url}/api/openapi.json")
if NEW in st.session_state:
    st.success("Copy the key now. You will not be able to see it again.")
    st.code(st.session_state[NEW], language=None, wrap_lines=True)
    if st.button("I have copied it", type="primary"):
        del st.session_state[NEW]
        st.rerun()
form = Form("new key")
with st.expander("Create a key"), form.drawn(border=False):
    name = form.field("name", "Name", st.text_input, placeholder="Weekly spreadsheet")
    scopes = form.field(
        "scopes",
        "Permissions",
        st.multiselect,
        options=EVERY,
        default=["read"],
        format_func=scope_in_words,
    )
    good_for = form.field("until", "Expires after", st.selectbox, options=list(GOOD_FOR), index=2)
    sent = st.form_submit_button("Create key", type="primary")
if sent:
    days = GOOD_FOR[good_for]
    with act(viewer, form=form) as db:
        made = create_api_key(
            db,
            name,
            scopes,
            expires_at=now() + timedelta(days=days) if days is not None else None,
        )
    st.session_state[NEW] = made.key
    st.rerun()
if not keys:
    empty(
        "No keys yet",
        "Create one for each program, so that you can tell them apart and revoke one at a time.",
    )
for key in keys:
    show_key(key)
