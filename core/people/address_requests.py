"""Addresses that somebody below manager has entered for a contact: a manager adds them, or not."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from core.people.contacts import change_contact, contact_to_change, details_of, note_of_contact
from core.people.models import Contact
from core.platform.errors import NotAllowed
from core.tenancy.access.viewers import Viewer


def add_asked_emails(db: Session, contact_id: UUID, by: Viewer) -> Contact:
    """Give the contact the addresses that are asked for, after those that it has. The caller has
    their payments attributed anew (``core.money.contacts``).

    Raises:
        NotAllowed: ``by`` is no manager.
        NotFound: no such contact for ``by``.
        Conflict: one is another contact's, which is mostly the same person: then the two are
            merged.
    """
    contact = _asking(db, contact_id, by)
    before = details_of(db, contact)
    after = replace(before, emails=(*before.emails, *contact.asked_emails))
    contact.asked_emails = []
    return change_contact(db, contact_id, before, after, by)


def dismiss_asked_emails(db: Session, contact_id: UUID, by: Viewer) -> None:
    """Add none of the addresses that are asked for. Raises NotAllowed and NotFound."""
    contact = _asking(db, contact_id, by)
    contact.asked_emails = []
    db.flush()
    note_of_contact(db, contact_id, f"Addresses that were asked for not added {by.signature}", by)


def _asking(db: Session, contact_id: UUID, by: Viewer) -> Contact:
    if not by.is_manager:
        raise NotAllowed("Only a manager adds addresses.")
    return contact_to_change(db, contact_id)
