"""Leads: who asked, narrowed by what the address says."""

from __future__ import annotations

import streamlit as st

from core.metrics.catalog import METRICS, Count
from core.metrics.drill import matching
from core.metrics.facts import LEADS
from core.people.queries import LeadFilter, count_leads, leads_table
from core.tenancy.access.models import Role
from core.ui.page import empty, require, title
from core.ui.parts.filters import filter_bar, period_picker
from core.ui.parts.format import plural, when, word
from core.ui.parts.tables import table

SHOWN = 500
viewer = require("leads")
title("Leads", viewer)
sees_people = viewer.role != Role.VIEWER
first, second, third = st.columns(3, vertical_alignment="bottom")
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
    filters = filter_bar(db)
    condition = matching(db, LEADS, figure, filters)
    chosen = LeadFilter(period, search or "", condition)
    leads, count = leads_table(db, chosen, limit=SHOWN), count_leads(db, chosen)
explained = METRICS.get(figure)
if isinstance(explained, Count) and explained.fact is LEADS:
    st.info(f"These are the leads behind **{explained.name}**: {explained.formula.lower()}.")
if leads.empty:
    empty(
        "No leads here",
        "No inquiry fits this period and these filters. Choose a longer period, or clear a filter.",
    )
    st.stop()
st.caption(
    plural(count, "lead", "leads") + (f"; the latest {SHOWN} are shown" if count > SHOWN else "")
)
leads["time"] = [when(at, viewer.timezone) for at in leads["received_at"]]
leads["shown_status"] = [word(status) for status in leads["status"]]
columns = {"time": "Received", "source": "Source", "shown_status": "Status"}
if sees_people:
    columns = {
        "time": "Received",
        "name": "Lead",
        "email": "E-mail",
        "phone": "Phone",
        "source": "Source",
        "traffic_type": "Traffic type",
        "setter": "Setter",
        "shown_status": "Status",
    }
table(
    leads,
    "leads",
    card=("name" if sees_people else "source", "time", "shown_status"),
    columns=columns,
)
