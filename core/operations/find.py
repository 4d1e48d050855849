"""Finding anything by a few words: bookings, leads, contacts, payments and people, as the caller
may see them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Case,
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.bookings.models import Event
from core.money.models import Payment
from core.people.models import Contact, ContactPhone, Lead
from core.people.visibility import persons_are_hidden, visible
from core.platform.search import begins_address, has_digits, is_address, is_amount
from core.tenancy.access.models import OrganizationMember

FEWEST_LETTERS, MOST_LETTERS = 2, 100
MOST_OF_A_KIND = 5
# Of so many of the latest that fit, the best come first: to rank all of them, all would have to be
# read.
RANKED = 500
EXTERNAL_ID = re.compile(r"(?=.*\d)\S{8,}")

Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Found:
    """Something that fits the words: by its id, with its name and address, and what tells it from
    others of that name. ``at`` is an instant.
    """

    id: UUID
    name: str | None
    email: str | None
    at: datetime | None = None
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Kind:
    """What can be found: what people call it, the screen that shows one, the statement, and what
    the moment of one is called where that is not clear.
    """

    label: str
    screen: str
    query: Callable[[str], Rows]
    moment: str = ""


def searched(typed: str) -> str:
    """The words to look for in what was typed; nothing where these are too few letters."""
    words = " ".join(typed.replace("\0", "").split())[:MOST_LETTERS]
    return words if len(words) >= FEWEST_LETTERS else ""


def find(db: Session, kind: Kind, words: str) -> list[Found]:
    """At most ``MOST_OF_A_KIND`` of a kind, the best first (see ``_grade``), then the latest."""
    latest = kind.query(words).limit(RANKED).subquery()
    ranked = select(latest).order_by(_grade(latest.c.name, latest.c.email, words), latest.c.place)
    rows = db.execute(ranked.limit(MOST_OF_A_KIND))
    return [Found(**{k: v for k, v in row._mapping.items() if k != "place"}) for row in rows]


def _grade(name: Any, email: Any, words: str) -> Case[int]:
    """How well something fits, the best first: it is the words, begins with them, has a word that
    begins with them, or mentions them. Both columns are as the caller may see them.
    """
    sought, name, email = words.lower(), func.lower(name), func.lower(email)
    begins = (each.startswith(sought, autoescape=True) for each in (name, email))
    return case(
        (or_(name == sought, email == sought), 0),
        (or_(*begins), 1),
        (name.contains(f" {sought}", autoescape=True), 2),
        else_=3,
    )


def _named(
    words: str,
    name: InstrumentedAttribute[Any],
    email: InstrumentedAttribute[Any],
    *others: ColumnElement[bool],
) -> ColumnElement[bool]:
    """The words are looked for inside the name, and as a whole address or the beginning of one; or
    one of ``others`` is true. Who sees no contact details finds nobody by them.
    """
    fits = (
        name.icontains(words, autoescape=True),
        is_address(email, words),
        begins_address(email, words),
        *others,
    )
    return and_(~persons_are_hidden(), or_(*fits))


def _of_number(words: str) -> ColumnElement[bool]:
    """Contacts with a phone number of which the words are a part."""
    further = exists().where(
        ContactPhone.organization_id == Contact.organization_id,
        ContactPhone.contact_id == Contact.id,
        has_digits(ContactPhone.phone_e164, words),
    )
    number = func.coalesce(Contact.phone_e164, Contact.phone)
    return or_(has_digits(number, words), further)


def _latest(query: Rows, moment: Any) -> Rows:
    place = func.row_number().over(order_by=moment.desc()).label("place")
    return query.add_columns(place).order_by(moment.desc())


def _bookings(words: str) -> Rows:
    shown = (
        Event.id,
        visible(Event.lead_name).label("name"),
        visible(Event.lead_email).label("email"),
    )
    query = select(*shown, Event.scheduled_at.label("at")).where(
        Event.deleted_at.is_(None),
        _named(
            words,
            Event.lead_name,
            Event.lead_email_normalized,
            has_digits(Event.lead_phone, words),
        ),
    )
    return _latest(query, Event.scheduled_at)


def _leads(words: str) -> Rows:
    shown = (Lead.id, visible(Contact.name), visible(Contact.email))
    received = func.coalesce(Lead.received_at, Lead.created_at)
    query = select(*shown, received.label("at")).join(
        Contact, (Contact.organization_id == Lead.organization_id) & (Contact.id == Lead.contact_id)
    )
    return _latest(
        query.where(
            _named(words, Contact.name, Contact.email_normalized, _of_number(words)),
        ),
        received,
    )


def _contacts(words: str) -> Rows:
    query = select(Contact.id, visible(Contact.name), visible(Contact.email)).where(
        Contact.merged_into_id.is_(None), Contact.erased_at.is_(None)
    )
    return _latest(
        query.where(
            _named(words, Contact.name, Contact.email_normalized, _of_number(words)),
        ),
        Contact.created_at,
    )


def _payments(words: str) -> Rows:
    shown = (
        Payment.id,
        visible(Payment.customer_name).label("name"),
        visible(Payment.customer_email).label("email"),
    )
    facts = (Payment.payment_date.label("at"), Payment.amount, Payment.currency)
    fits = or_(
        _named(words, Payment.customer_name, Payment.customer_email_normalized),
        is_amount(Payment.amount, words),
        Payment.processor_payment_id == words if EXTERNAL_ID.fullmatch(words) else false(),
    )
    query = select(*shown, *facts).where(Payment.deleted_at.is_(None), fits)
    return _latest(query, Payment.payment_date)


def _people(words: str) -> Rows:
    of = OrganizationMember
    fits = or_(
        of.name.icontains(words, autoescape=True),
        is_address(of.email, words),
        begins_address(func.lower(of.email), words),
    )
    place = func.row_number().over(order_by=of.name).label("place")
    query = select(of.user_id.label("id"), of.name, of.email, place)
    return query.where(of.organization_id == func.app.cur_org(), fits).order_by(of.name)


KINDS = (
    Kind("Bookings", "event", _bookings),
    Kind("Leads", "lead", _leads, "received"),
    Kind("Contacts", "contact", _contacts),
    Kind("Payments", "payment", _payments),
    Kind("People", "team", _people),
)
