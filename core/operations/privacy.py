"""A person's data: finding it by e-mail, exporting it, and erasing it so that every figure stays;
and deleting raw deliveries when their time is over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import or_, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from core.bookings.models import Event
from core.deliveries.models import DeliverySettings, DeliveryStatus, WebhookDelivery
from core.migrations.tables import metadata
from core.money.models import Payment
from core.people.erasure import erased_contact, mark_of, marks_of, pseudonym_of
from core.people.models import Contact, ContactEmail
from core.platform.advisory_locks import advisory_lock
from core.platform.clock import now
from core.platform.database import INSUFFICIENT_PRIVILEGE, as_system, organization_id_of
from core.platform.errors import InvalidInput, NotAllowed, NotFound
from core.platform.normalization import comparable, normalize_email, spellings
from core.platform.security.about import Known, is_about, tables_about
from core.platform.tasks import task
from core.tenancy.organizations.queries import settings_of

BATCH = 5_000
ERASE = text("""
    select app.erase_person(:contact, cast(:contacts as uuid[]), cast(:emails as text[]),
      cast(:marks as text[]),
                            cast(:words as text[]), :pseudonym)
""")
MENTIONED = (
    "exists (select 1 from unnest(cast(:emails as text[])) as known(email) where strpos("
    "app.comparable({}), known.email) > 0)"
)
ASKED = Known("app.cur_org()", ":contacts", ":emails")
NAMES = {
    "contact_emails": "addresses",
    "events": "bookings",
    "post_call_forms": "forms",
    "payout_snapshot_details": "payouts",
    "activities": "timeline",
    "pcf_drafts": "drafts",
}
# What an export contains: the rows about the person in each table that declares to have some, and
# data that mentions the person without being declared. A raw delivery is exported as the text that
# arrived.
PARTS: Mapping[str, str] = {
    NAMES.get(
        table.name, table.name
    ): f"select to_jsonb(t) from app.{table.name} t where {is_about(table, 't', ASKED)}"
    for table in tables_about(metadata)
} | {
    "messages": (
        f"""select to_jsonb(m) from app.outbox m
                     where app.comparable(m.recipient) = any(:emails) or m.recipient = any(:phones)
                        or {MENTIONED.format("m.body::text")}"""
    ),
    "provider objects": (
        f"select to_jsonb(o) from app.provider_objects o where {MENTIONED.format('o.data::text')}"
    ),
    "raw deliveries": (
        f"""select to_jsonb(d) - 'body'
                     || jsonb_build_object('body', encode(d.body, 'escape'))
                     from app.webhook_deliveries d
                     where {MENTIONED.format("app.body_text(d.body)")}"""
    ),
    "changes": (
        f"select to_jsonb(l) from app.audit_logs l where {MENTIONED.format('l.changes::text')}"
    ),
}


@dataclass(frozen=True)
class KnownPerson:
    """Everything that identifies one person. ``erased`` is set when the address that was searched
    for was erased before. ``unsubscribed_at`` is since when they want no messages.
    """

    contact_id: UUID | None
    contacts: tuple[UUID, ...]
    emails: tuple[str, ...]
    names: tuple[str, ...]
    phones: tuple[str, ...]
    calls: int
    payments: int
    erased: UUID | None = None
    unsubscribed_at: datetime | None = None

    @property
    def spelled(self) -> list[str]:
        """Every way in which one of the addresses may be written in a text."""
        return [each for email in self.emails for each in spellings(email)]

    @property
    def values(self) -> dict[str, Any]:
        return {
            "contacts": list(self.contacts),
            "emails": self.spelled,
            "phones": list(self.phones),
        }


@contextmanager
def _admins_only() -> Iterator[None]:
    """Turns the database's refusal of anybody else into a sentence."""
    try:
        yield
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
            raise NotAllowed("Only an admin may do this.") from error
        raise


def find_person(db: Session, email: str) -> KnownPerson:
    """The person with this address, with all their other addresses.

    Raises:
        InvalidInput: this is not an address.
        NotFound: there is nothing about it here.
    """
    wanted = normalize_email(email)
    if wanted is None:
        raise InvalidInput(f"“{email}” is not an e-mail address.", field="email")
    contacts = list(
        db.scalars(select(ContactEmail.contact_id).where(ContactEmail.email_normalized == wanted))
    )
    known = db.scalars(
        select(ContactEmail.email_normalized).where(ContactEmail.contact_id.in_(contacts))
    )
    emails = {wanted, *(address for address in known if normalize_email(address))}
    events = list(
        db.execute(
            select(Event.lead_name, Event.lead_phone).where(
                or_(Event.contact_id.in_(contacts), Event.lead_email_normalized.in_(emails))
            )
        )
    )
    paid = list(
        db.scalars(
            select(Payment.customer_name).where(Payment.customer_email_normalized.in_(emails))
        )
    )
    rows = list(db.scalars(select(Contact).where(Contact.id.in_(contacts))))
    names = {
        name
        for name in (*(row.name for row in rows), *(event.lead_name for event in events), *paid)
        if name and name.strip()
    }
    phones = {phone for row in rows for phone in (row.phone, row.phone_e164)} | {
        event.lead_phone for event in events
    }
    person = KnownPerson(
        contacts[0] if contacts else None,
        tuple(contacts),
        tuple(sorted(emails)),
        tuple(sorted(names)),
        tuple(sorted(phone for phone in phones if phone)),
        len(events),
        len(paid),
        erased_contact(db, wanted),
        min((row.unsubscribed_at for row in rows if row.unsubscribed_at), default=None),
    )
    if not (contacts or events or paid or person.erased or _mentioned(db, person)):
        raise NotFound("Nothing here is about this address.")
    return person


def _mentioned(db: Session, person: KnownPerson) -> bool:
    """Whether some text of the organisation still contains one of the person's addresses."""
    return any(
        db.execute(
            text(f"select exists ({PARTS[part]})"), _needed(PARTS[part], person)
        ).scalar_one()
        for part in ("provider objects", "raw deliveries", "messages", "changes")
    )


def _needed(query: str, person: KnownPerson) -> dict[str, Any]:
    return {name: value for name, value in person.values.items() if f":{name}" in query}


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
        with _admins_only():
            db.execute(
                text("select app.record_privacy('person_export', :row)"),
                {"row": str(person.contact_id or "")},
            )
    return _pieces(transaction, person)


def _pieces(
    transaction: Callable[[], AbstractContextManager[Session]], person: KnownPerson
) -> Iterator[bytes]:
    about = {"addresses": person.emails, "names": person.names, "phones": person.phones}
    yield f'{{"person": {json.dumps(about, ensure_ascii=False)}'.encode()
    with transaction() as db:
        for part, query in PARTS.items():
            yield f",\n{json.dumps(part)}: [".encode()
            for number, row in enumerate(
                db.scalars(text(query), _needed(query, person)).yield_per(500)
            ):
                yield (",\n" if number else "\n").encode() + json.dumps(
                    row, ensure_ascii=False
                ).encode()
            yield b"]"
    yield b"}\n"


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
    for what in ("bookings", "money"):  # no delivery about the person is processed meanwhile
        advisory_lock(db, what)
    person = find_person(db, email)
    if person.erased and not (person.contacts or person.calls or person.payments):
        raise NotFound("This address is erased already.")
    contact_id = person.contact_id or person.erased or uuid4()
    words = sorted(
        {comparable(word) for word in (*person.names, *person.phones)}, key=len, reverse=True
    )
    with _admins_only():
        db.execute(
            ERASE,
            {
                "contact": contact_id,
                "contacts": list(person.contacts),
                "emails": person.spelled,
                "words": words,
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
    with _admins_only():
        lifted = [db.execute(lift, {"mark": mark}).scalar_one() for mark in marks]
    if not any(lifted):
        raise NotFound("This address was not erased.")


@task(name="forget_deliveries", cron="0 3 * * *", log_success=True)
def forget_old(organization_id: UUID) -> None:
    """Delete what is older than the organisation wants to store it."""
    forget_deliveries(organization_id)
    forget_recordings(organization_id)


def forget_deliveries(organization_id: UUID, at: datetime | None = None) -> int:
    """Empty the raw deliveries that are older than the organisation stores them, except those that
    still wait. Returns how many.
    """
    return _forget(organization_id, at, _empty_some)


def forget_recordings(organization_id: UUID, at: datetime | None = None) -> int:
    """Remove the links to recordings from forms that are older than that, and from the audit log.
    Returns how many.
    """
    return _forget(organization_id, at, _unlink_some)


def _forget(
    organization_id: UUID, at: datetime | None, some: Callable[[UUID, datetime], int]
) -> int:
    with as_system(organization_id) as db:
        days = settings_of(db, DeliverySettings).raw_delivery_days
    forgotten = 0
    while days is not None and (
        gone := some(organization_id, (at or now()) - timedelta(days=days))
    ):
        forgotten += gone
    return forgotten


def _unlink_some(organization_id: UUID, before: datetime) -> int:
    with as_system(organization_id) as db:
        return db.execute(
            text("select app.forget_recordings(:before, :most)"), {"before": before, "most": BATCH}
        ).scalar_one()


def _empty_some(organization_id: UUID, before: datetime) -> int:
    old = select(WebhookDelivery.id).where(
        WebhookDelivery.received_at < before,
        WebhookDelivery.body != b"",
        WebhookDelivery.status != DeliveryStatus.PENDING,
    )
    emptied = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(old.limit(BATCH)))
        .values(body=b"", headers={})
    )
    with as_system(organization_id) as db:
        return len(db.scalars(emptied.returning(WebhookDelivery.id)).all())
