"""Erased people: the pseudonym in place of their address, and how later deliveries about them are
redacted.

Of an erased address only a mark is stored, a hash that includes the organisation. A delivery that
mentions an address with a mark is redacted before it is read, so the rows that follow from it
belong to the erased person under the same pseudonym.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.people.models import ContactEmail
from core.people.person_fields import PersonFields
from core.platform.database import organization_id_of
from core.platform.normalization import comparable, normalize_email, spellings

REDACT = text("""
    select app.redacted(cast(:payload as jsonb), cast(:emails as text[]), cast(:names as text[]),
      :pseudonym, :question)
""")


ADDRESS = re.compile(r"[^\s<>()\[\]{},;:\"']+@[^\s<>()\[\]{},;:\"']+\b")


def mark_of(organization_id: UUID, email: str) -> str:
    """The mark that is stored of an erased address, given in its normal form."""
    return "erased:" + hashlib.sha256(f"{organization_id} {email}".encode()).hexdigest()


def pseudonym_of(contact_id: UUID) -> str:
    """The address under which an erased contact's events and payments still belong together; it
    cannot receive mail.
    """
    return f"erased-{contact_id.hex[:16]}@erased.invalid"


def is_pseudonym(email: str | None) -> bool:
    """Whether the address stands for somebody who was erased."""
    return (email or "").endswith("@erased.invalid")


def marks_of(organization_id: UUID, email: str) -> list[str]:
    """Every mark that an erased address may have: before domains had one form, a mark could be made
    of the address in punycode, and nobody can tell from a mark what it was made of.
    """
    return [mark_of(organization_id, each) for each in spellings(email)]


def erased_contact(db: Session, email: str) -> UUID | None:
    """The contact whose erased address this is, in its normal form."""
    marked = select(ContactEmail.contact_id).where(
        ContactEmail.email_normalized.in_(marks_of(organization_id_of(db), email))
    )
    return db.scalars(marked).first()


def mention_erased(db: Session, payloads: Sequence[Any]) -> list[bool]:
    """Of each payload whether it mentions somebody who was erased, by one look for all of them."""
    organization_id = organization_id_of(db)
    marks = [
        {mark for email in set(_addresses(each)) for mark in marks_of(organization_id, email)}
        for each in payloads
    ]
    asked = sorted(set().union(*marks))
    if not asked:
        return [False] * len(marks)
    known = select(ContactEmail.email_normalized).where(ContactEmail.email_normalized.in_(asked))
    erased = set(db.scalars(known))
    return [not erased.isdisjoint(each) for each in marks]


def without_erased(
    db: Session, payload: Any, fields: PersonFields, *, kept_question: str | None
) -> Any:
    """``payload`` itself, or a copy without the personal data of the erased people that it
    mentions. Of their answers only the one to ``kept_question`` stays. Needs the system's identity.
    """
    marks = {
        mark: email
        for email in set(_addresses(payload))
        for mark in marks_of(organization_id_of(db), email)
    }
    if not marks:
        return payload
    known = select(ContactEmail.email_normalized, ContactEmail.contact_id).where(
        ContactEmail.email_normalized.in_(marks)
    )
    erased: dict[UUID, list[str]] = {}
    for mark, contact_id in db.execute(known):
        erased.setdefault(contact_id, []).append(marks[mark])
    for contact_id, emails in erased.items():
        asked = {
            "payload": json.dumps(payload),
            "emails": [each for email in emails for each in spellings(email)],
            "names": sorted(set(_names(payload, emails, fields))),
            "pseudonym": pseudonym_of(contact_id),
            "question": kept_question,
        }
        payload = db.execute(REDACT, asked).scalar_one()
    return payload


def _addresses(payload: Any) -> Iterator[str]:
    """Every e-mail address in the texts of a JSON value, in its normal form."""
    for text_ in _parts(payload, str):
        if "@" not in text_:
            continue
        for written in (text_, *ADDRESS.findall(text_)):
            if email := normalize_email(written):
                yield email


def _names(payload: Any, emails: Sequence[str], fields: PersonFields) -> Iterator[str]:
    """The names of the person, in lower case, from objects that contain one of the addresses."""
    for about in _parts(payload, dict):
        if not any(
            normalize_email(value) in emails for value in about.values() if isinstance(value, str)
        ):
            continue
        for each in (
            about,
            *(about[key] for key in fields.persons if isinstance(about.get(key), dict)),
        ):
            yield from (
                comparable(name)
                for key in fields.names
                if isinstance(name := each.get(key), str) and comparable(name)
            )


def _parts(payload: Any, kind: type[Any]) -> Iterator[Any]:
    """All parts of one type in a JSON value, at any depth."""
    waiting = [payload]
    while waiting:
        here = waiting.pop()
        if isinstance(here, kind):
            yield here
        if isinstance(here, dict):
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
