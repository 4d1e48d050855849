"""Contacts and leads: found by what a provider reports about a person, or created."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, func, insert, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from core.people.models import Contact, ContactEmail, ContactPhone, Lead, Source, TrafficType
from core.platform.database import organization_id_of
from core.platform.normalization import fold, normalize_email, normalize_phone
from core.platform.rows import insert_first


@dataclass(frozen=True)
class Person:
    """What an outside system reports about a person, as received and unchecked."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Directory:
    """The contacts and leads whom a batch of reports is about, found or made.

    The caller holds the organisation's books, so that two deliveries about a new person create one
    contact. What is made or changed is written by ``save``.
    """

    def __init__(self, db: Session, region: str) -> None:
        self._db, self._region = db, region
        self._by_email: dict[str, Contact] = {}
        self._by_phone: dict[str, list[Contact]] = {}
        self._leads: dict[UUID, Lead] = {}
        self._asked = set[str]()
        self._new_contacts: list[Contact] = []
        self._new_leads: list[Lead] = []

    def load(self, persons: Iterable[Person]) -> None:
        """Read the contacts of these persons and their latest inquiries, at once."""
        keys = {key for person in persons for key in self._keys(person) if key} - self._asked
        if not keys:
            return
        self._asked |= keys
        addresses = (
            select(ContactEmail.email_normalized, Contact)
            .join(
                ContactEmail,
                (ContactEmail.organization_id == Contact.organization_id)
                & (ContactEmail.contact_id == Contact.id),
            )
            .where(ContactEmail.email_normalized.in_(keys))
        )
        found = {email: contact for email, contact in self._db.execute(addresses)}  # noqa: C416
        self._by_email |= found
        by_phone = self._db.execute(_with_phones(keys)).all()
        for phone, contact in by_phone:
            same = self._by_phone.setdefault(phone, [])
            same += [] if contact in same else [contact]
        people = {each.id for each in found.values()} | {each.id for _, each in by_phone}
        latest = (
            select(Lead)
            .where(Lead.contact_id.in_(people))
            .order_by(Lead.contact_id, Lead.created_at.desc(), Lead.id)
            .ext(distinct_on(Lead.contact_id))
        )
        self._leads |= {lead.contact_id: lead for lead in self._db.scalars(latest)}

    def _keys(self, person: Person) -> tuple[str | None, str | None]:
        return normalize_email(person.email), normalize_phone(person.phone, self._region)

    def contact(self, person: Person) -> Contact | None:
        """The contact with this e-mail, or for somebody without one with this phone, or a new one;
        None when there is neither.

        Two addresses with one phone number may be two people (a couple, an office), so a phone
        number alone never merges them.
        """
        self.load([person])
        email, phone = self._keys(person)
        if email is None and phone is None:
            return None
        contact = self._known(email, phone)
        if contact is None:
            contact = Contact(organization_id=organization_id_of(self._db), id=uuid4())
            self._new_contacts.append(contact)
        contact.name = contact.name or person.name
        contact.email = contact.email or person.email
        contact.email_normalized = contact.email_normalized or email
        contact.phone = contact.phone or person.phone
        contact.phone_e164 = contact.phone_e164 or phone
        if email is not None:
            self._by_email[email] = contact
        if phone is not None and contact.phone_e164 == phone:
            same = self._by_phone.setdefault(phone, [])
            same += [] if contact in same else [contact]
        return contact

    def _known(self, email: str | None, phone: str | None) -> Contact | None:
        if email is not None:
            return self._by_email.get(email)
        # one with this phone, the oldest
        return next(iter(self._by_phone.get(phone or "", ())), None)

    def lead(
        self,
        contact: Contact,
        *,
        received_at: datetime,
        source_id: UUID | None,
        traffic_type_id: UUID | None,
    ) -> Lead:
        """The latest inquiry of a contact who was found or made here, or a new one."""
        lead = self._leads.get(contact.id)
        if lead is None:
            lead = Lead(
                organization_id=contact.organization_id,
                id=uuid4(),
                contact_id=contact.id,
                received_at=received_at,
            )
            self._leads[contact.id] = lead
            self._new_leads.append(lead)
        lead.source_id = lead.source_id or source_id
        lead.traffic_type_id = lead.traffic_type_id or traffic_type_id
        return lead

    def save(self) -> None:
        """Write new contacts with their addresses, and new leads."""
        insert_first(self._db, self._new_contacts)
        addresses = [
            {
                "organization_id": contact.organization_id,
                "contact_id": contact.id,
                "email": str(contact.email).strip(),
                "email_normalized": contact.email_normalized,
            }
            for contact in self._new_contacts
            if contact.email_normalized
        ]
        if addresses:
            self._db.connection().execute(insert(ContactEmail), addresses)
        insert_first(self._db, self._new_leads)
        self._new_contacts, self._new_leads = [], []


def _with_phones(phones: Collection[str]) -> Select[str, Contact]:
    """Who has one of these numbers, the oldest first; for a contact that was merged into another,
    that one.
    """
    asked = aliased(Contact)
    whose = func.coalesce(asked.merged_into_id, asked.id)
    first = select(asked.phone_e164.label("phone"), whose.label("id"))
    further = select(ContactPhone.phone_e164.label("phone"), ContactPhone.contact_id.label("id"))
    known = union_all(
        first.where(asked.phone_e164.in_(phones)),
        further.where(ContactPhone.phone_e164.in_(phones)),
    ).subquery()
    return (
        select(known.c.phone, Contact)
        .join(Contact, Contact.id == known.c.id)
        .order_by(Contact.created_at, Contact.id)
    )


def contacts_with_phone(number: str) -> Select[UUID]:
    """The ids of the contacts with this number (E.164)."""
    known = _with_phones([number]).subquery()
    return select(known.c.id)


def find_or_make_contact(db: Session, person: Person, region: str) -> Contact | None:
    """The contact of one person, see ``Directory.contact``; it is written."""
    directory = Directory(db, region)
    contact = directory.contact(person)
    directory.save()
    return contact


class Sources:
    """The sources and traffic types of the organisation, read once, by the words that name them."""

    def __init__(self, db: Session) -> None:
        self._sources = _by_word(db, Source)
        self._traffic_types = _by_word(db, TrafficType)

    def source(self, utm: Mapping[str, str | None]) -> UUID | None:
        """The source whose name or ``utm_values`` match one of the booking's UTM values: campaign
        before source before medium.
        """
        return _match(self._sources, utm, ("campaign", "source", "medium", "content", "term"))

    def traffic_type(self, utm: Mapping[str, str | None]) -> UUID | None:
        """The traffic type whose name or ``utm_values`` match the booking's medium, else another of
        its UTM values.
        """
        return _match(self._traffic_types, utm, ("medium", "source", "campaign", "content", "term"))


def _by_word(db: Session, table: Any) -> dict[str, UUID]:
    return {
        fold(word): row.id
        for row in db.scalars(select(table).where(table.active).order_by(table.name.desc()))
        for word in (*row.utm_values, row.name)
    }


def _match(
    known: Mapping[str, UUID], utm: Mapping[str, str | None], parts: Sequence[str]
) -> UUID | None:
    values = [fold(utm.get(f"utm_{part}")) for part in parts]
    return next((known[value] for value in values if value and value in known), None)
