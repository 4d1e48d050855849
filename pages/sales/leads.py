"""Leads: who asked, narrowed by what the address says."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.metrics.drill import counted, is_of, matching
from core.metrics.facts import LEADS
from core.people.queries import ORDERED, LeadFilter, count_leads, leads_table
from core.people.schemas import LeadItem
from core.people.visibility import sees_persons
from core.platform.paging import Order
from core.ui.page import empty, require, title
from core.ui.panels.saved_views import offer_saved_views
from core.ui.parts.columns import Column, Moment, Text, headings
from core.ui.parts.filters import choices_for, filter_bar, period_picker
from core.ui.parts.format import plural
from core.ui.parts.rows import QueriedRows
from core.ui.parts.tables import table

viewer = require("leads")
heading = headings(LeadItem)
title("Leads", viewer)
sees_people = sees_persons(viewer.role)
offer_saved_views(viewer, "leads", "leads")
first, second, third = st.columns(3, vertical_alignment="bottom")
below = st.container()
with first:
    period = period_picker(viewer)
with second:
    search = (
        st.text_input(
            "Search", key="search", bind="query-params", placeholder="Name or e-mail", type="search"
        )
        if sees_people
        else ""
    )
figure = st.query_params.get("figure", "")
with third, viewer.transaction() as db:
    filters = filter_bar(choices_for(db, LEADS), below)
    condition = matching(db, LEADS, figure, filters)
    chosen = LeadFilter(period, search or "", condition)
    count = count_leads(db, chosen)
if is_of(LEADS, figure):
    st.info(
        f"These are the leads behind **{counted(figure).name}**: {counted(figure).formula.lower()}."
    )
if not count:
    empty(
        "No leads here",
        "No inquiry fits this period and these filters. Choose a longer period, or clear a filter.",
    )
    st.stop()
st.caption(plural(count, "lead", "leads"))
columns: list[Column] = [
    Moment("received_at", heading("received_at"), viewer.timezone),
    Text("name", heading("name")),
    Text("email", heading("email")),
    Text("phone", heading("phone")),
    Text("source", heading("source")),
    Text("traffic_type", "Traffic type"),
    Text("setter", heading("current_setter_name")),
    Text("status", heading("status")),
]
for_viewers = ("received_at", "source", "status")


def page_of(order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
    """The leads of one page, and how many there are."""
    with viewer.transaction() as db:
        return leads_table(db, chosen, order=order, limit=limit, offset=offset), count


table(
    QueriedRows(ORDERED, page_of),
    "leads",
    card=("name" if sees_people else "source", "received_at", "status"),
    columns=[each for each in columns if sees_people or each.name in for_viewers],
)
