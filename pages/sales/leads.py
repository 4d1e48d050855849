"""Leads: who asked, narrowed by what the address says."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.metrics.drill import counted, is_of, matching
from core.metrics.facts import LEADS
from core.people.actions import Person
from core.people.contact_queries import people_lists
from core.people.leads import LeadDetails, create_lead_of
from core.people.models import LeadPriority, LeadStatus
from core.people.queries import ORDERED, LeadFilter, count_leads, leads_table
from core.people.schemas import LeadItem
from core.people.visibility import sees_persons
from core.platform.paging import Order
from core.tenancy.access.roles import REPS
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import current_organization
from core.ui.navigation import jump
from core.ui.page import act, empty, require, title
from core.ui.panels.people import lead_fields, typed_lead
from core.ui.panels.saved_views import offer_saved_views
from core.ui.parts.columns import Column, Moment, Number, Phone, Text, Word, headings
from core.ui.parts.drill import FIGURE, NARROWING
from core.ui.parts.filters import choices_for, filter_bar, period_picker
from core.ui.parts.format import plural, word
from core.ui.parts.forms import Form
from core.ui.parts.rows import QueriedRows
from core.ui.parts.tables import table

viewer = require("leads")
heading = headings(LeadItem)
PERSON = {"name": "Name", "emails": "E-mail address", "phones": "Phone number"}


def offer_to_create(viewer: Viewer) -> None:
    """A form for an inquiry that came some other way; the contact is found by the address."""
    form = Form.begun("create lead", vars(LeadDetails()), label="Create lead")
    if not form:
        return
    with viewer.transaction() as db:
        lists = people_lists(db)
    with form.drawn():
        # by the names of a contact's fields, at which a refusal of them stands
        person = [form.field(name, label, st.text_input) for name, label in PERSON.items()]
        lead_fields(form, lists, viewer)
        is_sent = form.is_sent("Create")
    if is_sent:
        with act(viewer, "Lead created.", form) as db:
            written = Person(*(text.strip() or None for text in person))
            made = create_lead_of(db, written, typed_lead(form), viewer).id
        jump("lead", id=str(made))


title("Leads", viewer)
sees_people = sees_persons(viewer.role)
offer_saved_views(viewer, "leads", "leads", *NARROWING, "status", FIGURE)
if viewer.is_one_of(*REPS) and viewer.seen_by is None:
    offer_to_create(viewer)
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
statuses = st.pills(
    "Status",
    [str(status) for status in LeadStatus],
    selection_mode="multi",
    format_func=lambda status: word(status, LeadStatus),
    key="status",
    bind="query-params",
    label_visibility="collapsed",
)
figure = st.query_params.get(FIGURE, "")
with third, viewer.transaction() as db:
    filters = filter_bar(choices_for(db, LEADS), below)
    condition = matching(db, LEADS, figure, filters)
    chosen = LeadFilter(period, search or "", condition, statuses or ())
    count, region = count_leads(db, chosen), current_organization(db).region
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
    Phone("phone", heading("phone"), region),
    Text("source", heading("source")),
    Text("traffic_type", "Traffic type"),
    Text("setter", heading("current_setter_name")),
    Word("status", heading("status"), LeadStatus),
]
more: list[Column] = [
    Word("priority", "Priority", LeadPriority),
    Text("owner", "Owner"),
    Number("score", "Score"),
    Text("company", "Company"),
    Text("spam", "Spam"),
]
for_viewers = ("received_at", "source", "status")


def page_of(order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
    """The leads of one page, and how many there are."""
    with viewer.transaction() as db:
        rows = leads_table(db, chosen, order=order, limit=limit, offset=offset)
    return rows.assign(spam=rows["spam"].map({True: "Spam"})), count


table(
    QueriedRows(ORDERED, page_of),
    "leads",
    opens="lead" if sees_people else None,
    card=("name" if sees_people else "source", "received_at", "status"),
    columns=[each for each in columns if sees_people or each.name in for_viewers],
    more=more if sees_people else [],
)
