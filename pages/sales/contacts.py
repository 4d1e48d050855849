"""Contacts: every person whom the organisation knows, found by what is known of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.money.contacts import create_contact
from core.people.contact_queries import (
    ORDERED,
    ContactFilter,
    contacts_table,
    count_contacts,
    people_lists,
    tags_in_use,
)
from core.people.contacts import ContactDetails
from core.platform.paging import Order
from core.tenancy.organizations.queries import current_organization
from core.ui.navigation import jump
from core.ui.page import act, empty, require, title
from core.ui.panels.people import contact_fields, typed_contact
from core.ui.panels.saved_views import offer_saved_views
from core.ui.parts.columns import Moment, Phone, Text
from core.ui.parts.format import plural
from core.ui.parts.forms import Form
from core.ui.parts.rows import QueriedRows
from core.ui.parts.tables import table

viewer = require("contacts")
title("Contacts", viewer)
offer_saved_views(viewer, "contacts", "contacts", "tag", "asking")
with viewer.transaction() as db:
    tags, region = tags_in_use(db), current_organization(db).region
if viewer.seen_by is None:
    new = Form.begun("create contact", vars(ContactDetails()), label="Create contact")
    if new:
        with viewer.transaction() as db:
            lists = people_lists(db)
        with new.drawn():
            contact_fields(new, lists, tags, viewer)
            is_sent = new.is_sent("Create")
        if is_sent:
            with act(viewer, "Contact created.", new) as db:
                made = create_contact(db, typed_contact(new), viewer).id
            jump("contact", id=str(made))

first, second = st.columns([2, 1], vertical_alignment="bottom")
search = first.text_input(
    "Search",
    key="search",
    bind="query-params",
    placeholder="Name, e-mail, phone or company",
    type="search",
)
if st.query_params.get("tag") not in tags:
    st.query_params.pop("tag", None)
tag = second.selectbox(
    "Tag", tags, index=None, placeholder="Any tag", key="tag", bind="query-params"
)
with viewer.transaction() as db:
    asking = count_contacts(db, ContactFilter(asking=True)) if viewer.is_manager else 0
only_asking = bool(asking) and st.toggle(
    f"Addresses to add ({asking})",
    key="asking",
    bind="query-params",
    help="Addresses that a rep has entered wait for a manager, since payments follow them.",
)
chosen = ContactFilter(search or "", tag or "", only_asking, region=region)
with viewer.transaction() as db:
    count = count_contacts(db, chosen)
if not count:
    empty(
        "No contacts here",
        "Nobody fits this search. Try a part of the name, or clear the search."
        if search or tag
        else "People appear here as soon as they book, or when you create them.",
    )
    st.stop()
st.caption(plural(count, "contact", "contacts"))


def page_of(order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
    """The contacts of one page, and how many there are."""
    with viewer.transaction() as db:
        return contacts_table(db, chosen, order=order, limit=limit, offset=offset), count


table(
    QueriedRows(ORDERED, page_of),
    "contacts",
    opens="contact",
    card=("name", "email", "company"),
    columns=[
        Text("name", "Name"),
        Text("email", "E-mail"),
        Phone("phone", "Phone", region),
        Text("company", "Company"),
        Text("tags", "Tags"),
        Text("owner", "Owner"),
        Moment("created_at", "Created", viewer.timezone),
    ],
    more=[
        Text("city", "City"),
        Text("country", "Country"),
        Text("source", "Source"),
        Moment("unsubscribed_at", "Unsubscribed", viewer.timezone),
    ],
)
