"""The deliveries of a connection as a table: filtered, searched, the latest first."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import pandas as pd
import streamlit as st

from core.deliveries.models import DeliveryStatus
from core.deliveries.queries import (
    ORDERED,
    DeliveryFilter,
    count_deliveries,
    deliveries_table,
    kinds_of_deliveries,
)
from core.platform.paging import Order
from core.providers.payloads import TEST_DELIVERY
from core.tenancy.access.viewers import Viewer
from core.ui.page import empty, require
from core.ui.panels.looks import note_search
from core.ui.parts.columns import Moment, Number, Text, Word
from core.ui.parts.filters import period_picker
from core.ui.parts.format import plural
from core.ui.parts.rows import QueriedRows
from core.ui.parts.tables import table

KINDS = {TEST_DELIVERY: "Test delivery"}
STATES = {state.label: state for state in DeliveryStatus}


def as_sentence(reason: str) -> str:
    """A stored reason, which may begin in lower case."""
    return reason[:1].upper() + reason[1:]


def show_deliveries(viewer: Viewer, connection_id: UUID) -> None:
    """The filters, and the table that follows what arrives. A search reads every body of the
    period, so its result stays as it was found.
    """
    with viewer.transaction() as db:
        kinds = kinds_of_deliveries(db, connection_id)
    columns = st.columns([3, 3, 3, 4], vertical_alignment="bottom")
    with columns[0]:
        period = period_picker(viewer)
    with columns[1]:
        states = [STATES[label] for label in _choose("Outcome", STATES, "outcome")]
    with columns[2]:
        named = {KINDS.get(kind, kind): kind for kind in kinds}
        types = [named[label] for label in _choose("Event", named, "event")]
    with columns[3]:
        search = st.text_input(
            "Search",
            key="search",
            placeholder="E-mail or ID",
            help="Finds deliveries that contain this e-mail address, ID or text.",
            max_chars=200,
            disabled=viewer.seen_by is not None,
        )
    # A search is noted as one's own, which it cannot be while viewing as somebody else.
    words = (search or "").strip() if viewer.seen_by is None else ""
    if words:
        note_search(viewer, connection_id, words)
    chosen = DeliveryFilter(connection_id, period, states, types, words)
    st.fragment(_show, run_every=None if words else 5)(chosen)


def _choose(label: str, options: Iterable[str], key: str) -> list[str]:
    """Several of these, from the address; what is unknown there is left out."""
    known = list(options)
    if not set(st.query_params.get_all(key)) <= set(known):
        st.query_params.pop(key, None)
    return st.multiselect(label, known, key=key, bind="query-params", placeholder="Any")


def _show(chosen: DeliveryFilter) -> None:
    viewer = require("connections", live=True)
    with viewer.transaction() as db:
        count = count_deliveries(db, chosen)
    if not count:
        empty(
            "No deliveries here",
            "No deliveries match this period and these filters. Choose a longer period, clear a"
            " filter, or send a test delivery.",
        )
        return

    def page_of(order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
        with viewer.transaction() as db:
            rows = deliveries_table(db, chosen, order=order, limit=limit, offset=offset)
        named = [KINDS.get(each, each) for each in rows["event_type"]]
        reasons = rows["last_error"].map(as_sentence, na_action="ignore")
        return rows.assign(event_type=named, last_error=reasons), count

    st.caption(plural(count, "delivery", "deliveries"))
    table(
        QueriedRows(ORDERED, page_of),
        "deliveries",
        opens="delivery",
        download=False,
        card=("event_type", "received_at", "status"),
        columns=[
            Moment("received_at", "Received", viewer.timezone),
            Text("event_type", "Event"),
            Word("status", "Outcome", DeliveryStatus),
            Number("attempts", "Attempts"),
            Text("last_error", "Reason"),
        ],
    )
