"""One person: who they are, and everything that belongs to them."""

from __future__ import annotations

import streamlit as st

from core.bookings.custom_answers import design_to_read
from core.bookings.queries import events_of_contact, forms_of_contact, timeline
from core.money.contacts import add_asked_emails, change_contact
from core.money.queries import PaymentFilter, payments_table
from core.people.address_requests import dismiss_asked_emails
from core.people.contact_queries import (
    contact_detail,
    leads_of_contact,
    people_lists,
    tags_in_use,
)
from core.people.contacts import LABELS, ContactDetails, details_of
from core.people.leads import LeadDetails, create_lead
from core.people.models import LeadPriority, LeadStatus
from core.people.schemas import LeadItem
from core.platform.dataframes import records
from core.tenancy.organizations.modules import BOOKINGS
from core.ui.navigation import jump
from core.ui.page import act, go, no_such, require, title
from core.ui.panels.people import (
    bookings_of_person,
    contact_fields,
    in_words,
    lead_fields,
    payments_of_person,
    preview,
    show_timeline,
    typed_contact,
    typed_lead,
)
from core.ui.panels.post_call_form import Choices, choices
from core.ui.parts.columns import Moment, Text, Word, headings
from core.ui.parts.facts import show_facts
from core.ui.parts.form_words import answers_in_words
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.forms import Form
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

viewer = require("contact")
heading = headings(LeadItem)
contact_id = id_from_address()
has_bookings = viewer.has(BOOKINGS)
with viewer.transaction() as db:
    found = contact_detail(db, contact_id) if contact_id else None
    if found is None:
        no_such(
            "contact",
            "They may belong to somebody else, or the link is old.",
            ("contacts", "All contacts"),
        )
    contact = found.Contact
    details, lists = details_of(db, contact), people_lists(db)
    leads = leads_of_contact(db, contact.id)
    events = events_of_contact(db, contact.id)
    payments = payments_table(db, PaymentFilter(contact_id=contact.id))
    forms = forms_of_contact(db, contact.id) if has_bookings else []
    designs = [design_to_read(db, form["config_version"], form) for form in forms]
    answers = choices(db) if forms else Choices({})
    story = timeline(db, [contact.id, *leads["id"], *events["id"], *payments["id"]])

title(contact.name or contact.email or contact.phone or "Contact", viewer, contact.company or "")
is_changeable = viewer.seen_by is None and contact.erased_at is None

if is_changeable:
    with st.container(horizontal=True, vertical_alignment="center"):
        edit = Form.begun(
            f"edit contact {contact.id}",
            vars(details),
            label="Edit",
            in_words=in_words(lists),
            labels=LABELS,
        )
        new = Form.begun(f"create lead {contact.id}", vars(LeadDetails()), label="Create lead")
        if viewer.is_manager:
            go("merge-contacts", "Merge with another contact", id=str(contact.id))
    if edit:
        with viewer.transaction() as db:
            tags = tags_in_use(db)
        with edit.drawn():
            contact_fields(edit, lists, tags, viewer)
            is_sent = edit.is_sent("Save")
        if is_sent:
            with act(viewer, "Contact saved.", edit) as db:
                before = ContactDetails(**edit.read)
                change_contact(db, contact.id, before, typed_contact(edit), viewer)
            st.rerun()
    if new:
        with new.drawn():
            lead_fields(new, lists, viewer)
            is_sent = new.is_sent("Create")
        if is_sent:
            with act(viewer, "Lead created.", new) as db:
                made = create_lead(db, contact.id, typed_lead(new), viewer).id
            jump("lead", id=str(made))

if contact.asked_emails and is_changeable:
    asked = ", ".join(map(escape_markdown, contact.asked_emails))
    if viewer.is_manager:
        st.info(f"You are asked to add {asked}. Payments and bookings under an address follow it.")
        with st.container(horizontal=True):
            if st.button("Add to this contact", type="primary"):
                with act(viewer, "Added.") as db:
                    add_asked_emails(db, contact.id, viewer)
                st.rerun()
            if st.button("Do not add"):
                with act(viewer, "Not added.") as db:
                    dismiss_asked_emails(db, contact.id, viewer)
                st.rerun()
    else:
        st.caption(f"A manager is asked to add {asked}.")

left, right = st.columns([3, 2])
with right:
    show_facts(
        {label: said for label, said in preview(details, lists).items() if label != LABELS["name"]}
        | {
            "Source": found.source,
            "Owner": found.owner,
            "Unsubscribed": contact.unsubscribed_at
            and when(contact.unsubscribed_at, viewer.timezone),
            "Created": when(contact.created_at, viewer.timezone),
        }
    )
with left:
    if not leads.empty:
        st.subheader("Leads")
        table(
            leads.assign(spam=leads["spam"].map({True: "Spam"})),
            "leads-of-contact",
            opens="lead",
            download=False,
            columns=[
                Moment("received_at", heading("received_at"), viewer.timezone),
                Word("status", heading("status"), LeadStatus),
                Word("priority", "Priority", LeadPriority),
                Text("source", heading("source")),
                Text("owner", "Owner"),
                Text("spam", "Spam"),
            ],
        )
    if not events.empty and has_bookings:
        st.subheader("Bookings")
        bookings_of_person(events, "bookings-of-contact", viewer)
    for form, design in zip(forms, designs, strict=True):
        closer = f" · {form['closer']}" if form["closer"] else ""
        day = escape_markdown(f"{when(form['scheduled_at'], viewer.timezone)}{closer}")
        with st.expander(f"Post-call form · {day}"):
            for label, said in answers_in_words(form, answers.names(), design.questions):
                st.text(f"{label}: {said}")
if not payments.empty and has_bookings:
    st.subheader("Payments")
    payments_of_person(payments, "payments-of-contact", viewer)
meetings = {
    event["id"]: f"booking of {when(event['scheduled_at'], viewer.timezone)}"
    for event in records(events)
}
show_timeline(records(story), viewer, meetings)
if viewer.is_admin:
    go("who-sees", "Who can see this?", kind="contact", id=str(contact.id))
    go("privacy", "Export or erase this person's data", contact=str(contact.id))
