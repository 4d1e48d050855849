"""Our rows that a stored delivery is about, found by the ids and addresses in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.bookings.models import Event
from core.deliveries.models import WebhookDelivery
from core.deliveries.reading import read_payload
from core.money.models import Payment
from core.people.models import Contact, ContactEmail
from core.platform.normalization import normalize_email

LONGEST_ID = 255
MOST = 1_000  # texts of a payload that are looked up
SHOWN = 20


@dataclass(frozen=True)
class RowOf:
    """One row by its kind, which is the audit trail's name of its table, and what it is called."""

    kind: str
    id: UUID
    name: str


def rows_of_delivery(db: Session, delivery: WebhookDelivery) -> list[RowOf]:
    """The bookings and payments whose ids at the provider it names, and the contacts whose
    addresses. What the caller may not see is left out, and so is everything where it cannot be
    read.
    """
    provider = delivery.provider
    try:
        texts = list(dict.fromkeys(_texts(read_payload(delivery.body))))[:MOST]
    except (ValueError, RecursionError):
        return []
    ids = [*texts, *(text.rstrip("/").rpartition("/")[2] for text in texts if "://" in text)]
    emails = {email for text in texts if "@" in text and (email := normalize_email(text))}
    events = select(Event.id, Event.lead_name, Event.lead_email).where(
        Event.booking_platform == provider, Event.external_id.in_(ids), Event.deleted_at.is_(None)
    )
    payments = select(Payment.id, Payment.customer_name, Payment.customer_email).where(
        Payment.processor == provider,
        or_(Payment.processor_payment_id.in_(ids), Payment.processor_charge_id.in_(ids)),
        Payment.deleted_at.is_(None),
    )
    contacts = (
        select(Contact.id, Contact.name, Contact.email)
        .join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(ContactEmail.email_normalized.in_(emails))
        .distinct()
    )
    return [
        RowOf(kind, row[0], row[1] or row[2] or "")
        for kind, query in (("events", events), ("payments", payments), ("contacts", contacts))
        for row in db.execute(query.limit(SHOWN))
    ]


def _texts(value: Any) -> Iterator[str]:
    """Everything in a payload that could be an id or an address."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
    elif isinstance(value, str | int) and 0 < len(text := str(value)) <= LONGEST_ID:
        yield text
