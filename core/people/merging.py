"""Two contacts that are found to be one person."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.people.contacts import PLAIN, contact_to_change, note_of_contact
from core.people.edits import own_records_only
from core.people.models import Contact
from core.platform.errors import InvalidInput, NotAllowed
from core.platform.normalization import fold
from core.tenancy.access.viewers import Viewer

# What the one that stays takes from the other where it has nothing itself.
GAPS = ("name", "phone", "phone_e164", *PLAIN[1:])


def merge_contacts(db: Session, stays_id: UUID, other_id: UUID, by: Viewer) -> Contact:
    """Two contacts are one person: the first stays and takes over the addresses, numbers, leads,
    bookings and timeline of the other, which points to it from now on. What the one that stays does
    not know is filled in from the other; neither is lost, and the timeline says what was moved.

    Payments follow their addresses and bookings: the caller has them attributed anew
    (``core.money.contacts``).

    Raises:
        NotAllowed: ``by`` does not see every contact.
        NotFound: no such contact, or it is merged or erased already.
        InvalidInput: the two are the same.
    """
    if not by.is_manager:
        raise NotAllowed("Only a manager merges contacts.")
    if stays_id == other_id:
        raise InvalidInput("Choose two different contacts.")
    stays, other = contact_to_change(db, stays_id), contact_to_change(db, other_id)
    with own_records_only():
        moved = db.scalar(select(func.app.merge_contacts(other.id, stays.id)))
    db.refresh(stays)
    db.refresh(other)
    for name in GAPS:
        if getattr(stays, name) is None:
            setattr(stays, name, getattr(other, name))
    known = set(map(fold, stays.tags))
    stays.tags = [*stays.tags, *(each for each in other.tags if fold(each) not in known)]
    asked = (*stays.asked_emails, *other.asked_emails)
    stays.asked_emails = list(dict.fromkeys(asked))
    stays.custom_fields = {**other.custom_fields, **stays.custom_fields}
    stays.external_ids = {**other.external_ids, **stays.external_ids}
    since = [each for each in (stays.unsubscribed_at, other.unsubscribed_at) if each]
    stays.unsubscribed_at = min(since, default=None)
    db.flush()
    detail = {"merged": str(other.id), "moved": moved}
    note_of_contact(
        db, stays.id, f"Another contact merged into this one {by.signature}", by, detail=detail
    )
    return stays
