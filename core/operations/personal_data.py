"""Finding everything that is about one person, by an e-mail address or by their contact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, select, text
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from core.migrations.tables import metadata
from core.people.erasure import erased_contact, is_pseudonym
from core.people.models import Contact
from core.platform.database import INSUFFICIENT_PRIVILEGE
from core.platform.errors import InvalidInput, NotAllowed, NotFound
from core.platform.normalization import comparable, normalize_email, spellings
from core.platform.personal import ERASED_NAME, Personal, personal_of
from core.platform.security.about import Known, is_about, private_tables, tables_about

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
# What belongs to one member, whatever an admin may read.
PRIVATE: dict[str, str] = {
    table.name: f"select app.private_rows_about('{table.name}', cast(:contacts as uuid[]),"
    " cast(:emails as text[]), cast(:words as text[]))"
    for table in private_tables(metadata)
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
    def words(self) -> list[str]:
        """The names and numbers in the form in which texts are compared, long ones first."""
        return sorted(set(map(comparable, (*self.names, *self.phones))), key=len, reverse=True)

    @property
    def values(self) -> dict[str, Any]:
        return {
            "contacts": list(self.contacts),
            "emails": self.spelled,
            "phones": list(self.phones),
            "words": self.words,
        }


@contextmanager
def admins_only() -> Iterator[None]:
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
        NotAllowed: only a text may mention it, which admins alone look through.
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
        name: db.execute(text(query), values_for(query, asked)).mappings().all()
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
    """Whether some text of the organisation still contains one of the person's addresses. Raises
    NotAllowed unless an admin asks.
    """
    with admins_only():
        return any(
            db.execute(
                text(f"select exists ({query})"), values_for(query, person.values)
            ).scalar_one()
            for query in (ELSEWHERE | PRIVATE).values()
        )


def values_for(query: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that the query names."""
    return {name: value for name, value in asked.items() if f":{name}" in query}
