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

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.bookings.models import Event
from core.money.models import Payment
from core.people.models import Contact, Lead
from core.people.visibility import persons_are_hidden, visible
from core.platform.search import is_address, is_amount
from core.tenancy.access.models import OrganizationMember

FEWEST_LETTERS, MOST_LETTERS = 2, 100
MOST_OF_A_KIND = 5
# Of so many of the latest that fit, those come first that begin with the words: to rank all of
# them, all would have to be read.
RANKED = 50
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
    """What can be found: what people call it, the screen that shows one, and the statement."""

    label: str
    screen: str
    query: Callable[[str], Rows]


def searched(typed: str) -> str:
    """The words to look for in what was typed; nothing where these are too few letters."""
    words = " ".join(typed.replace("\0", "").split())[:MOST_LETTERS]
    return words if len(words) >= FEWEST_LETTERS else ""


def find(db: Session, kind: Kind, words: str) -> list[Found]:
    """At most ``MOST_OF_A_KIND`` of a kind, those first whose name begins with the words, then the
    latest.
    """
    latest = kind.query(words).limit(RANKED).subquery()
    begins = func.lower(latest.c.name).startswith(words.lower(), autoescape=True)
    ranked = select(latest).order_by(begins.desc().nulls_last(), latest.c.place)
    rows = db.execute(ranked.limit(MOST_OF_A_KIND))
    return [Found(**{k: v for k, v in row._mapping.items() if k != "place"}) for row in rows]


def _named(
    words: str, name: InstrumentedAttribute[Any], email: InstrumentedAttribute[Any]
) -> ColumnElement[bool]:
    """An address is looked up whole, by its index; other words are looked for inside the name. Who
    sees no contact details finds nobody by them.
    """
    fits = (
        is_address(email, words)
        if "@" in words.strip("@")
        else name.icontains(words, autoescape=True)
    )
    return and_(~persons_are_hidden(), fits)


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
        Event.deleted_at.is_(None), _named(words, Event.lead_name, Event.lead_email_normalized)
    )
    return _latest(query, Event.scheduled_at)


def _leads(words: str) -> Rows:
    shown = (Lead.id, visible(Contact.name), visible(Contact.email))
    query = select(*shown, Lead.created_at.label("at")).join(
        Contact, (Contact.organization_id == Lead.organization_id) & (Contact.id == Lead.contact_id)
    )
    return _latest(
        query.where(_named(words, Contact.name, Contact.email_normalized)), Lead.created_at
    )


def _contacts(words: str) -> Rows:
    query = select(Contact.id, visible(Contact.name), visible(Contact.email)).where(
        Contact.merged_into_id.is_(None), Contact.erased_at.is_(None)
    )
    return _latest(
        query.where(_named(words, Contact.name, Contact.email_normalized)), Contact.created_at
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
    fits = or_(of.name.icontains(words, autoescape=True), is_address(of.email, words))
    place = func.row_number().over(order_by=of.name).label("place")
    query = select(of.user_id.label("id"), of.name, of.email, place)
    return query.where(of.organization_id == func.app.cur_org(), fits).order_by(of.name)


KINDS = (
    Kind("Bookings", "event", _bookings),
    Kind("Leads", "lead", _leads),
    Kind("Contacts", "contact", _contacts),
    Kind("Payments", "payment", _payments),
    Kind("People", "team", _people),
)
