"""Two contacts that are one person: which two, how they compare, what moves, and the merge."""

from __future__ import annotations

from uuid import UUID

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from core.bookings.queries import events_of_contact
from core.money.contacts import merge_contacts
from core.money.queries import PaymentFilter, count_payments
from core.people.contact_queries import (
    ContactFilter,
    PeopleLists,
    contact_detail,
    contacts_table,
    leads_of_contact,
    people_lists,
)
from core.people.contacts import LABELS, details_of
from core.people.models import Contact
from core.ui.navigation import jump
from core.ui.page import act, empty, go, no_such, require, title
from core.ui.panels.people import preview
from core.ui.parts.columns import Moment, Phone, Text
from core.ui.parts.format import escape_markdown, plural
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import picking_table, table

FOUND = 20
viewer = require("merge-contacts")


def named(contact: Contact) -> str:
    """What the contact is called."""
    return contact.name or contact.email or contact.phone or "Contact"


def choose_other(contact: Contact) -> None:
    """Search for the other contact, which goes into the address."""
    words = st.text_input(
        "Search for the other contact", key="search", placeholder="Name, e-mail, phone or company"
    )
    chosen = ContactFilter(words or contact.name or "", other_than=contact.id, region=lists.region)
    with viewer.transaction() as db:
        found = contacts_table(db, chosen, limit=FOUND)
    if found.empty and not words:
        empty(
            "Who is the same person?",
            "Nobody has a similar name. Search for a part of it, an address or a number.",
        )
        return
    if found.empty:
        empty("Nobody found", "Try a part of the name, the whole address or fewer digits.")
        return
    picked = picking_table(
        found,
        "contacts-to-merge",
        columns=[
            Text("name", "Name"),
            Text("email", "E-mail"),
            Phone("phone", "Phone", lists.region),
            Text("company", "Company"),
            Moment("created_at", "Created", viewer.timezone),
        ],
    )
    if picked:
        st.query_params["with"] = picked
        st.rerun()


def what_belongs_to(db: Session, contact_id: UUID) -> dict[str, int]:
    """How much there is of a contact that a merge moves."""
    return {
        "Leads": len(leads_of_contact(db, contact_id)),
        "Bookings": len(events_of_contact(db, contact_id)),
        "Payments": count_payments(db, PaymentFilter(contact_id=contact_id)),
    }


def compare(db: Session, contacts: tuple[Contact, Contact], lists: PeopleLists) -> pd.DataFrame:
    """The two side by side, a row for each field of which at least one says something."""
    known = [preview(details_of(db, each), lists) for each in contacts]
    counts = [what_belongs_to(db, each.id) for each in contacts]
    both = [
        fields | {name: str(number) for name, number in numbers.items()}
        for fields, numbers in zip(known, counts, strict=True)
    ]
    labels = [*LABELS.values(), *counts[0]]
    rows = [(label, *(each.get(label) for each in both)) for label in labels]
    return pd.DataFrame(
        [row for row in rows if any(row[1:])], columns=["field", "stays", "goes"], dtype=object
    )


contact_id, other_id = id_from_address(), id_from_address("with")
with viewer.transaction() as db:
    one = contact_detail(db, contact_id) if contact_id else None
    other = contact_detail(db, other_id) if other_id else None
    lists = people_lists(db)
if one is None:
    no_such(
        "contact",
        "They may belong to somebody else, or the link is old.",
        ("contacts", "All contacts"),
    )
title(f"Merge {named(one.Contact)}", viewer, "Two contacts that are one person")
go("contact", "Back to the contact", id=str(one.Contact.id))
if other is None or other.Contact.id == one.Contact.id:
    choose_other(one.Contact)
    st.stop()

stays, goes = one.Contact, other.Contact
with viewer.transaction() as db:
    sides = compare(db, (stays, goes), lists)
    moved = what_belongs_to(db, goes.id)
table(
    sides,
    "comparison",
    download=False,
    columns=[
        Text("field", "Field"),
        Text("stays", "Kept contact"),
        Text("goes", "Merged into it"),
    ],
)
counted = [
    plural(moved["Leads"], "lead", "leads"),
    plural(moved["Bookings"], "booking", "bookings"),
    plural(moved["Payments"], "payment", "payments"),
]
st.info(
    f"{counted[0]}, {counted[1]} and {counted[2]} move to the contact that is kept, with all"
    " addresses, phone numbers and the timeline. Empty fields are filled in from the other."
    " Payments are matched again. The audit log records it."
)
st.warning(
    f"This cannot be undone: the two cannot be separated again. Where both have a field,"
    f" {escape_markdown(named(stays))}'s is kept and the other's is no longer shown."
)
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button("Merge", type="primary"):
        with act(viewer, "Contacts merged.") as db:
            merge_contacts(db, stays.id, goes.id, viewer)
        jump("contact", id=str(stays.id))
    go("merge-contacts", "Keep the other one instead", id=str(goes.id), **{"with": str(stays.id)})
    go("merge-contacts", "Choose another contact", id=str(stays.id))
