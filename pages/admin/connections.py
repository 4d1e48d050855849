"""Connections: where providers deliver to, whether that works, and what came."""

from __future__ import annotations

import streamlit as st

from core.deliveries.models import WebhookConnection
from core.deliveries.queries import connection_state
from core.providers.connections import connection_url
from core.ui.page import empty, go, require, title
from core.ui.panels.connection import (
    offer_actions,
    offer_deletion,
    offer_replay_of_failed,
    show_state,
)
from core.ui.panels.connections import labels, show_connections
from core.ui.panels.deliveries import show_deliveries
from core.ui.parts.query_params import id_from_address

viewer = require("connections")
connection_id = id_from_address()
if connection_id is None:
    title("Connections", viewer)
    show_connections(viewer)
    st.stop()

with viewer.transaction() as db:
    connection = db.get(WebhookConnection, (viewer.organization_id, connection_id))
    state = connection_state(db, connection_id)
    url = connection and connection_url(db, connection)
if connection is None or state is None:
    title("Connections", viewer)
    empty("There is no such connection", "The link may be old.", ("connections", "All connections"))
    st.stop()
go("connections", "← All connections")
title(f"{connection.name} · {labels()[connection.provider]}", viewer)
show_state(viewer, connection)
if connection.deleted_at is None:
    st.caption("Paste this address at the provider:")
    st.code(url, language=None, wrap_lines=True)
action = None
if viewer.is_admin and connection.deleted_at is None:
    action = offer_actions(viewer, connection)

st.subheader("Deliveries")
if viewer.is_admin:
    action = offer_replay_of_failed(connection, state["dead"]) or action
    show_deliveries(viewer, connection_id)
    if connection.deleted_at is None:
        offer_deletion(viewer, connection)
else:
    st.caption("Deliveries contain personal data; only admins see them.")
if action is not None:
    action.run(viewer)
    st.rerun()
