"""Contacts and leads: found by what a provider reports about a person, or created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.people.models import Contact, ContactEmail, Lead, Source, TrafficType
from core.platform.database import organization_id_of
from core.platform.normalization import fold, normalize_email, normalize_phone


@dataclass(frozen=True)
class Person:
    """What an outside system reports about a person, as received and unchecked."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


def find_or_make_contact(db: Session, person: Person, region: str) -> Contact | None:
    """The contact with this e-mail, or for somebody without one with this phone, or a new one; None
    when there is neither.

    Two addresses with one phone number may be two people (a couple, an office), so a phone number
    alone never merges them. The caller holds the organisation's books, so that two
    deliveries about a new person create one contact.
    """
    email, phone = normalize_email(person.email), normalize_phone(person.phone, region)
    if email is None and phone is None:
        return None
    contact = _known(db, email, phone)
    if contact is None:
        contact = Contact(
            organization_id=organization_id_of(db),
            name=person.name,
            email=person.email,
            email_normalized=email,
            phone=person.phone,
            phone_e164=phone,
        )
        db.add(contact)
    contact.name = contact.name or person.name
    contact.email, contact.email_normalized = (
        contact.email or person.email,
        contact.email_normalized or email,
    )
    contact.phone, contact.phone_e164 = contact.phone or person.phone, contact.phone_e164 or phone
    db.flush()
    if email is not None:
        add_email(db, contact, person.email or email)
    return contact


def _known(db: Session, email: str | None, phone: str | None) -> Contact | None:
    if email is not None:
        by_email = (
            select(Contact)
            .join(
                ContactEmail,
                (ContactEmail.organization_id == Contact.organization_id)
                & (ContactEmail.contact_id == Contact.id),
            )
            .where(ContactEmail.email_normalized == email)
        )
        return db.scalars(by_email).first()
    return db.scalars(
        select(Contact).where(Contact.phone_e164 == phone).order_by(Contact.created_at, Contact.id)
    ).first()


def add_email(db: Session, contact: Contact, email: str) -> None:
    """Add an address to the contact; an address that belongs to another contact stays there."""
    normalized = normalize_email(email)
    if normalized is None:
        return
    values = {
        "organization_id": contact.organization_id,
        "contact_id": contact.id,
        "email": email.strip(),
        "email_normalized": normalized,
    }
    db.execute(insert(ContactEmail).values(values).on_conflict_do_nothing())


def find_or_make_lead(
    db: Session,
    contact: Contact,
    *,
    received_at: datetime,
    source_id: UUID | None,
    traffic_type_id: UUID | None,
) -> Lead:
    """The contact's latest inquiry, or a new one."""
    latest = (
        select(Lead)
        .where(Lead.contact_id == contact.id)
        .order_by(Lead.created_at.desc(), Lead.id)
        .limit(1)
    )
    lead = db.scalars(latest).first()
    if lead is None:
        lead = Lead(
            organization_id=contact.organization_id, contact_id=contact.id, received_at=received_at
        )
        db.add(lead)
    lead.source_id = lead.source_id or source_id
    lead.traffic_type_id = lead.traffic_type_id or traffic_type_id
    db.flush()
    return lead


def match_source(db: Session, utm: Mapping[str, str | None]) -> UUID | None:
    """The source whose name or ``utm_values`` match one of the booking's UTM values: campaign
    before source before medium.
    """
    return _match(
        db,
        Source,
        [utm.get(f"utm_{part}") for part in ("campaign", "source", "medium", "content", "term")],
    )


def match_traffic_type(db: Session, utm: Mapping[str, str | None]) -> UUID | None:
    """The traffic type whose name or ``utm_values`` match the booking's medium, else another of its
    UTM values.
    """
    return _match(
        db,
        TrafficType,
        [utm.get(f"utm_{part}") for part in ("medium", "source", "campaign", "content", "term")],
    )


def _match(db: Session, table: Any, values: list[str | None]) -> UUID | None:
    known = {
        fold(word): row.id
        for row in db.scalars(select(table).where(table.active).order_by(table.name.desc()))
        for word in (*row.utm_values, row.name)
    }
    return next((known[fold(value)] for value in values if value and fold(value) in known), None)
