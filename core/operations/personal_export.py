"""A person's data, handed out to them as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.migrations.tables import metadata
from core.operations.personal_data import (
    ASKED,
    ELSEWHERE,
    PRIVATE,
    KnownPerson,
    admins_only,
    find_person,
    find_person_of,
    values_for,
)
from core.platform.security.about import is_about, tables_about

NAMES = {
    "contact_emails": "addresses",
    "contact_phones": "phone numbers",
    "events": "bookings",
    "post_call_forms": "forms",
    "payout_snapshot_details": "payouts",
    "activities": "timeline",
    "pcf_drafts": "drafts",
}


def _parts() -> dict[str, str]:
    """What an export contains: the rows about the person in each table that declares to have some,
    also those that belong to one member, and what mentions them elsewhere. A raw delivery is
    exported as the text that arrived.
    """
    declared = {
        table.name: f"select to_jsonb(t) from app.{table.name} t"
        f" where {is_about(table, 't', ASKED)}"
        for table in tables_about(metadata)
    }
    parts = declared | PRIVATE
    return {NAMES.get(name, name): query for name, query in parts.items()} | ELSEWHERE


def export_person(
    transaction: Callable[[], AbstractContextManager[Session]], email: str
) -> Iterator[bytes]:
    """Everything about the person as one JSON object, in pieces. The export is recorded in the
    audit log before the first piece.

    Raises InvalidInput and NotFound like ``find_person``, and NotAllowed unless the transaction is
    an admin's.
    """
    with transaction() as db:
        person = find_person(db, email)
        _record_export(db, person)
    return _pieces(transaction, person)


def export_person_of(
    transaction: Callable[[], AbstractContextManager[Session]], contact_id: UUID
) -> Iterator[bytes]:
    """Like ``export_person``, for the person whose contact this is."""
    with transaction() as db:
        person = find_person_of(db, contact_id)
        _record_export(db, person)
    return _pieces(transaction, person)


def _record_export(db: Session, person: KnownPerson) -> None:
    with admins_only():
        db.execute(
            text("select app.record_privacy('person_export', :row)"),
            {"row": str(person.contact_id or "")},
        )


def _pieces(
    transaction: Callable[[], AbstractContextManager[Session]], person: KnownPerson
) -> Iterator[bytes]:
    about = {"addresses": person.emails, "names": person.names, "phones": person.phones}
    yield f'{{"person": {json.dumps(about, ensure_ascii=False)}'.encode()
    with transaction() as db:
        for part, query in _parts().items():
            yield f",\n{json.dumps(part)}: [".encode()
            for number, row in enumerate(
                db.scalars(text(query), values_for(query, person.values)).yield_per(500)
            ):
                yield (",\n" if number else "\n").encode() + json.dumps(
                    row, ensure_ascii=False
                ).encode()
            yield b"]"
    yield b"}\n"
