"""Contacts as people write them, with their payments: whose booking a payment is for depends on the
addresses of one person, so the payments are attributed anew in the same transaction.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from core.money.attribution import attribute_contact
from core.people import address_requests, contacts, merging
from core.people.contacts import ContactDetails
from core.people.models import Contact
from core.tenancy.access.viewers import Viewer


def create_contact(db: Session, details: ContactDetails, by: Viewer) -> Contact:
    """The same as ``core.people.contacts.create_contact``, with the payments of its addresses."""
    contact = contacts.create_contact(db, details, by)
    if details.emails:
        attribute_contact(db, contact.id, details.emails)
    return contact


def change_contact(
    db: Session, contact_id: UUID, before: ContactDetails, after: ContactDetails, by: Viewer
) -> Contact:
    """The same as ``core.people.contacts.change_contact``, with the payments of all addresses that
    the contact had or has.
    """
    contact = contacts.change_contact(db, contact_id, before, after, by)
    if before.emails != after.emails:
        attribute_contact(db, contact_id, (*before.emails, *after.emails))
    return contact


def add_asked_emails(db: Session, contact_id: UUID, by: Viewer) -> Contact:
    """The same as ``core.people.address_requests.add_asked_emails``, with the payments of what is
    added.
    """
    contact = address_requests.add_asked_emails(db, contact_id, by)
    attribute_contact(db, contact_id)
    return contact


def merge_contacts(db: Session, stays_id: UUID, other_id: UUID, by: Viewer) -> Contact:
    """The same as ``core.people.merging.merge_contacts``, with the payments of both."""
    stays = merging.merge_contacts(db, stays_id, other_id, by)
    attribute_contact(db, stays.id)
    return stays
