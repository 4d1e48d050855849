"""Two contacts that are one person, with their payments."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.bookings.models import Event
from core.bookings.tasks import attribute_events
from core.people import contacts
from core.people.models import Contact, ContactEmail
from core.tenancy.access.viewers import Viewer


def merge_contacts(db: Session, stays_id: UUID, other_id: UUID, by: Viewer) -> Contact:
    """The same as ``core.people.contacts.merge_contacts``; their payments are attributed anew at
    once, for all bookings and addresses are one person's now.
    """
    stays = contacts.merge_contacts(db, stays_id, other_id, by)
    addresses = select(ContactEmail.email_normalized).where(ContactEmail.contact_id == stays.id)
    theirs = or_(Event.contact_id == stays.id, Event.lead_email_normalized.in_(addresses))
    attribute_events(db, list(db.scalars(select(Event.id).where(theirs))))
    return stays
