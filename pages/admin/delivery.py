"""A delivery: what a provider sent, how it was checked and answered, and what became of it."""

from __future__ import annotations

import streamlit as st

from core.deliveries.actions import replay
from core.deliveries.models import DeliveryStatus, WebhookConnection
from core.deliveries.queries import delivery_of
from core.providers.connections import connection_path
from core.providers.delivery_rows import rows_of_delivery
from core.tenancy.access.audit import people, table_label
from core.ui.page import act, go, no_such, require, title
from core.ui.panels.connections import labels
from core.ui.panels.delivery import (
    event_in_words,
    show_attempts,
    show_checks,
    show_outcome,
    show_request,
    show_rows,
)
from core.ui.panels.looks import note_look
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.query_params import id_from_address

viewer = require("delivery")
if viewer.seen_by is not None:
    # Each look is noted as one's own, and nothing is written while somebody views as another.
    st.warning("You cannot open a delivery while you view as somebody else. Stop viewing first.")
    st.stop()
delivery_id = id_from_address()
if delivery_id is not None:
    note_look(viewer, delivery_id)
with viewer.transaction() as db:
    delivery = delivery_of(db, delivery_id) if delivery_id else None
    if delivery is not None:
        connection = db.get_one(WebhookConnection, (viewer.organization_id, delivery.connection_id))
        path, names = connection_path(db, connection), people(db, everywhere=False)
        rows = rows_of_delivery(db, delivery)
if delivery is None:
    no_such("delivery", "The link may be old.", ("connections", "All connections"))
provider = labels().get(delivery.provider, delivery.provider)
go("connections", f"← {escape_markdown(connection.name)}", id=str(connection.id))
received = f"{provider} · received {when(delivery.received_at, viewer.timezone)}"
title(event_in_words(delivery), viewer, received)
show_outcome(delivery)
is_done = delivery.status not in (DeliveryStatus.PENDING, DeliveryStatus.HELD)
if is_done and delivery.body and st.button("Replay", icon=":material/replay:", type="primary"):
    with act(viewer, "The delivery is being replayed.") as db:
        replay(db, delivery.id)
    st.rerun()
show_checks(delivery, provider)
show_attempts(delivery, names, viewer.timezone)
show_rows(rows, table_label)
show_request(delivery, path)
st.caption(f"ID at the provider: {escape_markdown(delivery.delivery_key)}")
