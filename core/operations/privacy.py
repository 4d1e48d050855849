"""A person's data: finding it by e-mail or contact, exporting it, and erasing it so that every
figure stays; and deleting raw deliveries when their time is over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, func, select, text, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from core.deliveries.models import DeliverySettings, DeliveryStatus, WebhookDelivery
from core.migrations.tables import metadata
from core.people.erasure import erased_contact, is_pseudonym, mark_of, marks_of, pseudonym_of
from core.people.models import Contact
from core.platform.advisory_locks import lock_organization
from core.platform.clock import now
from core.platform.database import INSUFFICIENT_PRIVILEGE, as_system, organization_id_of
from core.platform.errors import InvalidInput, NotAllowed, NotFound
from core.platform.normalization import comparable, fold, normalize_email, spellings
from core.platform.personal import ERASED_NAME, Personal, personal_of
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
# By whom a person is known: who has one of the addresses, whoever booked under one that is nobody's
# any more, and what was merged with these.
THEIR_CONTACTS = text("""
    select c.id from app.contacts c
     where c.merged_into_id = any(cast(:contacts as uuid[])) or c.id in (
       select k.contact_id from app.contact_emails k where k.email_normalized = any(:emails)
       union select v.contact_id from app.events v where v.lead_email_normalized = any(:emails)
         and not exists (select 1 from app.contact_emails k
                          where k.email_normalized = v.lead_email_normalized)
       union select m.merged_into_id from app.contacts m
              where m.id = any(cast(:contacts as uuid[])))
     order by c.merged_into_id is not null, c.created_at, c.id
""")
# The addresses that contacts have, had, booked under and paid under for these bookings; none that
# is somebody else's now, and none of a payment that a person gave to the booking, since a company
# or a friend may have paid.
THEIR_ADDRESSES = text("""
    select known.email from (
      select k.email_normalized as email from app.contact_emails k
       where k.contact_id = any(cast(:contacts as uuid[]))
      union select c.email_normalized from app.contacts c
             where c.id = any(cast(:contacts as uuid[]))
      union select v.lead_email_normalized from app.events v
             where v.contact_id = any(cast(:contacts as uuid[]))
      union select p.customer_email_normalized from app.events v
              join app.payments p on p.organization_id = v.organization_id and p.event_id = v.id
               and p.attribution_method in ('email', 'later_call', 'form', 'booking')
             where v.contact_id = any(cast(:contacts as uuid[]))
      union select l.changes #>> '{email_normalized,0}' from app.audit_logs l
             where l.table_name = 'contact_emails'
               and l.changes #>> '{contact_id,0}' = any(cast(:contacts as text[]))
                or l.table_name = 'contacts' and l.row_id = any(cast(:contacts as text[]))
    ) known
     where known.email is not null and not exists (
       select 1 from app.contact_emails k where k.email_normalized = known.email
          and k.contact_id <> all(cast(:contacts as uuid[])))
""")
REMOVED_PHONES = text("""
    select l.changes #>> array[written, '0'] from app.audit_logs l
     cross join unnest(array['phone', 'phone_e164']) as written
     where l.table_name = 'contact_phones'
       and l.changes #>> '{contact_id,0}' = any(cast(:contacts as text[]))
        or l.table_name = 'contacts' and l.row_id = any(cast(:contacts as text[]))
""")
NAMES = {
    "contact_emails": "addresses",
    "contact_phones": "phone numbers",
    "events": "bookings",
    "post_call_forms": "forms",
    "payout_snapshot_details": "payouts",
    "activities": "timeline",
    "pcf_drafts": "drafts",
}
# Data that may mention a person without being declared to be about them.
ELSEWHERE: dict[str, str] = {
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
        f"""select to_jsonb(l) from app.audit_logs l where {MENTIONED.format("l.changes::text")}
                 or l.table_name = 'contacts' and l.row_id = any(cast(:contacts as text[]))
                 or l.changes #>> '{{contact_id,0}}' = any(cast(:contacts as text[]))"""
    ),
}
Found = Mapping[str, Sequence[RowMapping]]  # rows about one person, by their table's name


@dataclass(frozen=True)
class KnownPerson:
    """Everything that identifies one person. ``rows`` is how many rows about them there are, by
    table. ``erased`` is set when the address that was searched for was erased before.
    ``unsubscribed_at`` is since when they want no messages.
    """

    contacts: tuple[UUID, ...]
    emails: tuple[str, ...]
    names: tuple[str, ...]
    phones: tuple[str, ...]
    rows: Mapping[str, int]
    erased: UUID | None = None
    unsubscribed_at: datetime | None = None

    @property
    def contact_id(self) -> UUID | None:
        return self.contacts[0] if self.contacts else None

    @property
    def is_known(self) -> bool:
        """Whether any row is about them."""
        return bool(self.contacts) or any(self.rows.values())

    @property
    def spelled(self) -> list[str]:
        """Every way in which one of the addresses may be written in a text."""
        return _spelled(self.emails)

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
    person = _known_person(db, [], {wanted}, erased_contact(db, wanted))
    if not (person.is_known or person.erased or _mentioned(db, person)):
        raise NotFound("Nothing here is about this address.")
    return person


def find_person_of(db: Session, contact_id: UUID) -> KnownPerson:
    """The person whose contact this is, also one who has no address. Raises NotFound where there is
    none, or the person is erased.
    """
    contact = db.scalars(select(Contact).where(Contact.id == contact_id)).first()
    if contact is None or contact.erased_at is not None:
        raise NotFound("There is no such contact, or the person is erased already.")
    return _known_person(db, [contact.merged_into_id or contact.id], set(), None)


def name_of(db: Session, contact_id: UUID) -> str:
    """What a contact is called; their number or address where they have no name. It is typed to
    confirm an erasure.
    """
    contact = db.scalars(select(Contact).where(Contact.id == contact_id)).one()
    return contact.name or contact.phone or contact.email or str(contact.id)


def _known_person(
    db: Session, contacts: list[UUID], emails: set[str], erased: UUID | None
) -> KnownPerson:
    """Their contacts lead to addresses and addresses to contacts, until there is nothing new."""
    known = -1
    while known < (known := len(contacts) + len(emails)):
        asked = {"contacts": contacts, "emails": _spelled(emails)}
        contacts += [
            each for each in db.scalars(THEIR_CONTACTS, asked) if each and each not in contacts
        ]
        written = map(normalize_email, db.scalars(THEIR_ADDRESSES, {"contacts": contacts}))
        emails |= {each for each in written if each and not is_pseudonym(each)}
    found = _rows_about(db, {"contacts": contacts, "emails": _spelled(emails)})
    removed = db.scalars(REMOVED_PHONES, {"contacts": contacts})
    unsubscribed = select(func.min(Contact.unsubscribed_at)).where(Contact.id.in_(contacts))
    return KnownPerson(
        tuple(contacts),
        tuple(sorted(emails)),
        _known(found, Personal.NAME),
        tuple(sorted({*_known(found, Personal.PHONE), *filter(_is_number, removed)})),
        {name: len(rows) for name, rows in found.items()},
        erased,
        db.scalar(unsubscribed),
    )


def _is_number(text_: str | None) -> bool:
    """Of what was erased the audit log has a sign without digits."""
    return any(each.isdigit() for each in text_ or "")


def _spelled(emails: Iterable[str]) -> list[str]:
    return [each for email in emails for each in spellings(email)]


def _identifying(table: Table) -> list[str]:
    """The columns that say who somebody is: by one of them a row is found, or names are learnt."""
    kinds = (Personal.NAME, Personal.PHONE, Personal.EMAIL)
    return [
        column.name
        for column in table.columns
        if (fact := personal_of(column)) and fact.kind in kinds
    ]


def _rows_about(db: Session, asked: Mapping[str, Any]) -> Found:
    """The rows about somebody, of each table that can say who somebody is. Any other row about a
    person refers to one of these or to their contact.
    """
    queries = {
        table.name: f"select {', '.join(f't.{name}' for name in ('id', *columns))}"
        f" from app.{table.name} t where {is_about(table, 't', ASKED)}"
        for table in tables_about(metadata)
        if (columns := _identifying(table))
    }
    return {
        name: db.execute(text(query), _needed(query, asked)).mappings().all()
        for name, query in queries.items()
    }


def _known(found: Found, kind: Personal) -> tuple[str, ...]:
    """What the rows hold of one kind of personal data, each value once."""
    columns = [
        (name, column.name)
        for name in found
        for column in metadata.tables[f"app.{name}"].columns
        if (fact := personal_of(column)) and fact.kind == kind
    ]
    values = {row[column] for name, column in columns for row in found[name]}
    return tuple(sorted(v for v in values if v and v.strip() and v != ERASED_NAME))


def _mentioned(db: Session, person: KnownPerson) -> bool:
    """Whether some text of the organisation still contains one of the person's addresses."""
    return any(
        db.execute(text(f"select exists ({query})"), _needed(query, person.values)).scalar_one()
        for query in ELSEWHERE.values()
    )


def _needed(query: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if f":{name}" in query}


def _parts() -> dict[str, str]:
    """What an export contains: the rows about the person in each table that declares to have some,
    and what mentions them elsewhere. A raw delivery is exported as the text that arrived.
    """
    declared = {
        NAMES.get(table.name, table.name): f"select to_jsonb(t) from app.{table.name} t"
        f" where {is_about(table, 't', ASKED)}"
        for table in tables_about(metadata)
    }
    return declared | ELSEWHERE


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
    with _admins_only():
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
                db.scalars(text(query), _needed(query, person.values)).yield_per(500)
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
        WebhookDelivery.status.not_in([DeliveryStatus.PENDING, DeliveryStatus.HELD]),
    )
    emptied = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(old.limit(BATCH)))
        .values(body=b"", headers={})
    )
    with as_system(organization_id) as db:
        return len(db.scalars(emptied.returning(WebhookDelivery.id)).all())
