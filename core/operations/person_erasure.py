"""Erasing a person so that every figure stays the same."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.operations.personal_data import (
    KnownPerson,
    admins_only,
    find_person,
    find_person_of,
    name_of,
)
from core.people.erasure import mark_of, marks_of, pseudonym_of
from core.platform.advisory_locks import lock_organization
from core.platform.database import organization_id_of
from core.platform.errors import InvalidInput, NotFound
from core.platform.normalization import fold, normalize_email, spellings

ERASE = text("""
    select app.erase_person(:contact, cast(:contacts as uuid[]), cast(:emails as text[]),
      cast(:marks as text[]),
                            cast(:words as text[]), :pseudonym)
""")


def erase_person(db: Session, email: str, *, typed: str) -> None:
    """Replace the person's contact details wherever they are. Rows, amounts and everything that is
    counted stay.

    Raises:
        InvalidInput: ``typed`` is not the address.
        NotFound: there is nothing about it here, or it is erased already.
        NotAllowed: the transaction is not an admin's.
    """
    if normalize_email(typed) != normalize_email(email):
        raise InvalidInput("Type the e-mail address exactly as it is shown.", field="email")
    lock_organization(db)  # nothing about the person is written meanwhile
    person = find_person(db, email)
    if person.erased and not person.is_known:
        raise NotFound("This address is erased already.")
    _erase(db, person)


def erase_person_of(db: Session, contact_id: UUID, *, typed: str) -> None:
    """Like ``erase_person``, for the person whose contact this is; ``typed`` is what the contact is
    called. Of somebody without an address nothing later can be known to be theirs.
    """
    lock_organization(db)
    person = find_person_of(db, contact_id)
    if fold(typed) != fold(name_of(db, contact_id)):
        raise InvalidInput("Type the name exactly as it is shown.", field="name")
    _erase(db, person)


def _erase(db: Session, person: KnownPerson) -> None:
    contact_id = person.contact_id or person.erased or uuid4()
    with admins_only():
        db.execute(
            ERASE,
            {
                "contact": contact_id,
                "contacts": list(person.contacts),
                "emails": person.spelled,
                "words": person.words,
                "marks": [
                    mark_of(organization_id_of(db), email)
                    for email in person.emails
                    for _ in spellings(email)
                ],
                "pseudonym": pseudonym_of(contact_id),
            },
        )
    db.expire_all()


def accept_again(db: Session, email: str) -> None:
    """Store deliveries about an erased address unchanged from now on; what was erased stays erased.

    Raises NotFound, and NotAllowed unless the transaction is an admin's.
    """
    marks = marks_of(organization_id_of(db), normalize_email(email) or "")
    lift = text("select app.lift_erasure(:mark)")
    with admins_only():
        lifted = [db.execute(lift, {"mark": mark}).scalar_one() for mark in marks]
    if not any(lifted):
        raise NotFound("This address was not erased.")
