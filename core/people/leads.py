"""Leads as people write them: created and changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.people.actions import Person
from core.people.contacts import (
    ContactDetails,
    check_listed,
    check_owner,
    cleaned_text,
    create_contact,
    find_contact,
    owner_of_new,
)
from core.people.edits import own_records_only, require_editor
from core.people.models import Contact, Lead, LeadPriority, LeadStatus, Source, TrafficType
from core.people.timeline import note
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.edits import merged
from core.platform.errors import InvalidInput, NotFound
from core.tenancy.access.viewers import Viewer

HIGHEST_SCORE = 100


@dataclass(frozen=True)
class LeadDetails:
    """What people write about a lead."""

    status: LeadStatus = LeadStatus.NEW
    priority: LeadPriority = LeadPriority.NORMAL
    source_id: UUID | None = None
    traffic_type_id: UUID | None = None
    owner_user_id: UUID | None = None
    is_spam: bool = False
    score: int | None = None
    qualification_summary: str | None = None
    company: str | None = None
    city: str | None = None
    external_id: str | None = None


LABELS = {
    "status": "Status",
    "priority": "Priority",
    "source_id": "Source",
    "traffic_type_id": "Traffic type",
    "owner_user_id": "Owner",
    "is_spam": "Spam",
    "score": "Score",
    "qualification_summary": "Qualification",
    "company": "Company",
    "city": "City",
    "external_id": "External ID",
}
TEXTS = ("company", "city", "external_id")
LONGEST_SUMMARY = 5_000


def create_lead(
    db: Session,
    contact_id: UUID,
    details: LeadDetails,
    by: Viewer,
    *,
    received_at: datetime | None = None,
) -> Lead:
    """Create an inquiry of a contact, received now or at another instant. It belongs to whom the
    details name, else to ``by`` unless they see every lead.

    Raises:
        NotFound: no such contact for ``by``, or the person is erased.
        NotAllowed: ``by`` changes no records, or names somebody else as the owner.
        InvalidInput: a value cannot be used; ``field`` names it.
    """
    require_editor(by)
    owner = owner_of_new(db, by)
    details = replace(details, owner_user_id=details.owner_user_id or owner)
    lock_books(db)
    theirs = select(Contact.id).where(
        Contact.id == contact_id, Contact.merged_into_id.is_(None), Contact.erased_at.is_(None)
    )
    if db.scalars(theirs).first() is None:
        raise NotFound("There is no such contact.")
    checked = _checked(db, details, by, owner_before=owner)
    lead = Lead(
        organization_id=organization_id_of(db),
        id=uuid4(),
        contact_id=contact_id,
        received_at=received_at or now(),
    )
    _fill(lead, {name: getattr(checked, name) for name in LABELS})
    with own_records_only():
        db.add(lead)
        db.flush()
    _note(db, lead, f"Lead created {by.signature}", by)
    return lead


def create_lead_of(db: Session, person: Person, details: LeadDetails, by: Viewer) -> Lead:
    """Create an inquiry of a person, whose contact is found by the address, or created.

    Raises NotAllowed, InvalidInput and Conflict like ``create_contact`` and ``create_lead``.
    """
    require_editor(by)
    lock_books(db)
    contact = find_contact(db, person.email)
    if contact is None:
        emails, phones = ((written,) if written else () for written in (person.email, person.phone))
        contact = create_contact(db, ContactDetails(person.name, emails, phones), by)
    return create_lead(db, contact.id, details, by)


def change_lead(
    db: Session, lead_id: UUID, before: LeadDetails, after: LeadDetails, by: Viewer
) -> Lead:
    """Change what differs between ``before``, as ``by`` read it, and ``after``.

    Raises:
        NotFound: no such lead for ``by``.
        NotAllowed, InvalidInput: like ``create_lead``; only a manager changes the owner.
        Changed: somebody else has changed the same field.
    """
    require_editor(by)
    lock_books(db)
    wanted = select(Lead).where(Lead.id == lead_id).with_for_update()
    lead = db.scalars(wanted.execution_options(populate_existing=True)).first()
    if lead is None:
        raise NotFound("There is no such lead.")
    current = lead_details_of(lead)
    edited = LeadDetails(**merged(vars(current), vars(after), vars(before)))
    checked = _checked(db, edited, by, owner_before=current.owner_user_id)
    changed = [name for name in LABELS if getattr(edited, name) != getattr(current, name)]
    if not changed:
        return lead
    _fill(lead, {name: getattr(checked, name) for name in changed})
    with own_records_only():
        db.flush()
    _note(db, lead, _sentence(current, checked, changed, by), by)
    return lead


def lead_details_of(lead: Lead) -> LeadDetails:
    """The lead as people write it."""
    names = [name for name in LABELS if name != "is_spam"]
    written = {name: getattr(lead, name) for name in names}
    return LeadDetails(**written, is_spam=lead.spam_since is not None)


def _fill(lead: Lead, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name == "is_spam":
            lead.spam_since = (lead.spam_since or now()) if value else None
        else:
            setattr(lead, name, value)


def _checked(
    db: Session, details: LeadDetails, by: Viewer, *, owner_before: UUID | None
) -> LeadDetails:
    """The details as they are stored. Raises InvalidInput and NotAllowed."""
    summary = (details.qualification_summary or "").replace("\0", "").strip() or None
    if summary and len(summary) > LONGEST_SUMMARY:
        raise InvalidInput(
            f"{LABELS['qualification_summary']} can have at most {LONGEST_SUMMARY:,} characters.",
            field="qualification_summary",
        )
    if details.score is not None and not 0 <= details.score <= HIGHEST_SCORE:
        raise InvalidInput(f"A score is a number from 0 to {HIGHEST_SCORE}.", field="score")
    check_listed(db, Source, details.source_id, "source_id")
    check_listed(db, TrafficType, details.traffic_type_id, "traffic_type_id")
    check_owner(db, details.owner_user_id, by, before=owner_before)
    texts: dict[str, Any] = {
        name: cleaned_text(getattr(details, name), name, LABELS) for name in TEXTS
    }
    return replace(details, **texts, qualification_summary=summary)


def _sentence(before: LeadDetails, after: LeadDetails, changed: Sequence[str], by: Viewer) -> str:
    """What changed, as the timeline says it: a status by its words, anything else by its name."""
    words = f"{LeadStatus(before.status).label} → {LeadStatus(after.status).label}"
    listed = ", ".join(
        f"status {words}" if name == "status" else LABELS[name].lower() for name in changed
    )
    return f"Lead changed {by.signature}: {listed}"


def _note(db: Session, lead: Lead, sentence: str, by: Viewer) -> None:
    note(
        db,
        "lead",
        "lead",
        lead.id,
        sentence,
        contact_id=lead.contact_id,
        actor_user_id=by.user_id,
    )
