"""Connections: where providers deliver to, how they are doing, what came, and what to do when
something failed.
"""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from core.deliveries.actions import (
    replay,
    rotate_secret,
    set_active,
)
from core.deliveries.models import DeliveryStatus, WebhookConnection
from core.deliveries.queries import connections_table, recent_deliveries
from core.operations.samples import send_test_delivery
from core.platform.dataframes import records
from core.providers import registry
from core.providers.connections import connection_url, create_connection
from core.ui.page import act, empty, go, require, title
from core.ui.parts.columns import Moment, Number, Text, Word
from core.ui.parts.format import escape_markdown, plural, when
from core.ui.parts.query_params import id_from_address
from core.ui.parts.secret_field import forget, secret_field
from core.ui.parts.tables import table

HEALTH = {
    "well": "Deliveries arrive and are processed.",
    "never used": "Nothing has arrived yet.",
    "off": "Switched off.",
    "refusing": "Deliveries arrive and are refused.",
    "failing": "Some deliveries could not be processed; see why below.",
    "silent": "Silent for longer than usual.",
}
# What the receiver says of a delivery that it refuses, in words that help.
REFUSALS = {
    "no matching signature": "The signature does not fit the signing secret that is stored here."
    " Copy the secret from the provider anew and replace it below.",
    "no signature": "They are not signed. Switch signing on at the provider, or look whether"
    " something else posts to this address.",
}
OTHER = (
    "The signature cannot be checked. Look whether the address and the signing secret are those of"
    " this provider's account."
)
viewer = require("connections")
PROVIDERS = {name: registry.provider(name).label for name in registry.with_inbound()}
HINTS = [
    f"{PROVIDERS[name]}: {each.signing_hint}" for name, each in registry.with_inbound().items()
]
title("Connections", viewer)
connection_id = id_from_address()
if connection_id is None:
    if viewer.is_admin:
        with st.expander("Make a connection"), st.form("new connection", clear_on_submit=True):
            provider = st.segmented_control(
                "Provider",
                list(PROVIDERS),
                format_func=PROVIDERS.__getitem__,
                default=next(iter(PROVIDERS)),
                required=True,
            )
            name = st.text_input("Name", placeholder="Main account")
            secret = secret_field("Signing secret", "signing secret", hint=" ".join(HINTS))
            account = st.text_input(
                "Account at the provider (optional)", placeholder="biz_… or acct_…"
            )
            sent = st.form_submit_button("Make connection", type="primary")
        if sent:
            forget("signing secret")
            with act(viewer) as db:
                made = create_connection(db, provider, name, secret, account_id=account)
            st.query_params["id"] = str(made.id)
            st.rerun()
    with viewer.transaction() as db:
        connections = connections_table(db)
    if connections.empty:
        empty("No connections yet", "Make one above and paste its address at the provider.")
        st.stop()
    table(
        connections,
        "connections",
        opens="connections",
        download=False,
        card=("name", "health", "last_webhook_at"),
        columns=[
            Text("name", "Name"),
            Word("provider", "Provider", PROVIDERS),
            Word("health", "How it is doing", HEALTH),
            Number("webhook_count", "Deliveries"),
            Moment("last_webhook_at", "Last", viewer.timezone),
            Number("waiting", "Waiting"),
            Number("dead", "Failed"),
        ],
    )
    st.stop()

with viewer.transaction() as db:
    connection = db.get(WebhookConnection, (viewer.organization_id, connection_id))
    rows = connections_table(db)
    deliveries = recent_deliveries(db, connection_id)
    url = connection and connection_url(db, connection)
if connection is None:
    empty("There is no such connection", "The link may be old.", ("connections", "All connections"))
    st.stop()
go("connections", "← All connections")
state = rows[rows["id"] == connection_id].iloc[0]
st.subheader(f"{escape_markdown(connection.name)} · {PROVIDERS[connection.provider]}")
st.markdown(
    f"{HEALTH[state['health']]} {plural(state['webhook_count'], 'delivery', 'deliveries')} so far."
)
st.caption("Paste this address at the provider:")
st.code(url, language=None)
if state["refused_count"]:
    st.error(
        f"{plural(state['refused_count'], 'delivery', 'deliveries')} refused since"
        f" {when(state['refused_since'], viewer.timezone)}: {REFUSALS.get(state['refusal'], OTHER)}"
    )
if state["last_error"]:
    st.warning(
        f"Last failure, {when(state['last_error_at'], viewer.timezone)}:"
        f" {escape_markdown(state['last_error'])}"
    )

if viewer.is_admin:
    first, second, third = st.columns(3)
    if first.button("Send test delivery", width="stretch"):
        with act(viewer, "On its way: it appears below in a moment.") as db:
            send_test_delivery.later(db, connection_id)
        st.rerun()
    if second.button("Switch off" if connection.active else "Switch on", width="stretch"):
        with act(viewer) as db:
            set_active(db, connection_id, not connection.active)
        st.rerun()
    with (
        third.popover("Replace the secret", width="stretch"),
        st.form("secret", clear_on_submit=True),
    ):
        replacement = secret_field("New signing secret", "new signing secret")
        if st.form_submit_button("Replace"):
            forget("new signing secret")
            with act(
                viewer, "Replaced. Deliveries signed with the old one are refused from now on."
            ) as db:
                rotate_secret(db, connection_id, replacement)
            st.rerun()


@st.fragment(run_every=5)
def show_deliveries(connection_id: UUID) -> None:
    """The latest deliveries, looked at again every few seconds while the page is open."""
    viewer = require("connections", live=True)
    with viewer.transaction() as db:
        deliveries = recent_deliveries(db, connection_id)
    if deliveries.empty:
        empty(
            "Nothing has arrived yet", "Paste the address at the provider, or send a test delivery."
        )
        return
    table(
        deliveries,
        "deliveries",
        download=False,
        card=("event_type", "received_at", "status"),
        columns=[
            Moment("received_at", "Received", viewer.timezone),
            Text("event_type", "What"),
            Word("status", "State", DeliveryStatus),
            Number("attempts", "Tries"),
            Text("last_error", "Why"),
        ],
    )


st.subheader("Recent deliveries")
if viewer.is_admin:
    show_deliveries(connection_id)
    dead = [row for row in records(deliveries) if row["status"] == DeliveryStatus.DEAD]
    if dead and st.button(f"Process the {len(dead)} failed ones again"):
        with act(viewer, "They are being processed again.") as db:
            for row in dead:
                replay(db, row["id"])
        st.rerun()
else:
    st.caption("Raw deliveries hold personal data; admins see them.")
