"""One lead: how it stands, what is known of it, and whose it is."""

from __future__ import annotations

import streamlit as st

from core.bookings.queries import timeline
from core.people.contact_queries import lead_detail, people_lists
from core.people.leads import LABELS, LeadDetails, change_lead, lead_details_of
from core.people.models import LeadPriority, LeadStatus
from core.platform.dataframes import records
from core.ui.page import act, go, no_such, require, title
from core.ui.panels.people import in_words, lead_fields, show_timeline, typed_lead
from core.ui.parts.facts import show_facts
from core.ui.parts.format import when
from core.ui.parts.forms import Form
from core.ui.parts.query_params import id_from_address

viewer = require("lead")
lead_id = id_from_address()
with viewer.transaction() as db:
    found = lead_detail(db, lead_id) if lead_id else None
    if found is None:
        no_such(
            "lead", "It may belong to somebody else, or the link is old.", ("leads", "All leads")
        )
    lead, lists = found.Lead, people_lists(db)
    story = timeline(db, [lead.id])
details = lead_details_of(lead)

title(found.contact or "Lead", viewer, f"Lead · {when(found.received_at, viewer.timezone)}")
spam = " · marked as spam" if details.is_spam else ""
priority = LeadPriority(lead.priority)
high = " · high priority" if priority is LeadPriority.HIGH else ""
st.markdown(f"**{LeadStatus(lead.status).label}**{high}{spam}")
go("contact", "View contact", id=str(lead.contact_id))
if viewer.seen_by is None:
    edit = Form.begun(
        f"edit lead {lead.id}",
        vars(details),
        label="Edit",
        in_words=in_words(lists),
        labels=LABELS,
    )
    if edit:
        with edit.drawn():
            lead_fields(edit, lists, viewer)
            is_sent = edit.is_sent("Save")
        if is_sent:
            with act(viewer, "Lead saved.", edit) as db:
                change_lead(db, lead.id, LeadDetails(**edit.read), typed_lead(edit), viewer)
            st.rerun()

left, right = st.columns([3, 2])
with right:
    show_facts(
        {
            "Source": found.source,
            "Traffic type": found.traffic_type,
            "Owner": found.owner,
            "Setter": lead.current_setter_name,
            "First setter": lead.original_setter_name,
            "Priority": priority.label,
            "Score": lead.score if lead.score is None else str(lead.score),
            "Company": lead.company,
            "City": lead.city,
            "External ID": lead.external_id,
            "Received": when(found.received_at, viewer.timezone),
            "Recorded": when(lead.created_at, viewer.timezone),
        }
    )
with left:
    if lead.qualification_summary:
        st.subheader("Qualification")
        st.text(lead.qualification_summary)
    show_timeline(records(story), viewer)
if viewer.is_admin:
    go("who-sees", "Who can see this?", kind="lead", id=str(lead.id))
