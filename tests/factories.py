"""Rows for tests, every field defaulted. Each test makes its own organisation, so nothing is
cleaned up.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.orm import Session

import core.migrations.tables  # noqa: F401 - every table of settings is known
from core.bookings.models import Closer, Event, Setter
from core.money.models import Payment, Refund
from core.people.models import Contact, ContactEmail, Source
from core.platform.advisory_locks import lock_books
from core.platform.database import as_system
from core.platform.normalization import normalize_email
from core.platform.schema import Base
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.models import User
from core.tenancy.organizations.models import Organization, SettingsRow
from tests.books import guarded

Row = TypeVar("Row", bound=Base)
number = count(1)
NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)


def organization(
    *, timezone: str = "Europe/Copenhagen", currency: str = "USD", **values: object
) -> UUID:
    """A new organisation's id; ``values`` are facts of it, and settings of any package."""
    org = uuid4()
    with as_system(org) as db:
        values = {"name": f"Team {next(number)}", "slug": f"team-{org}"} | values
        chosen = {
            model: {name: values.pop(name) for name in list(values) if name in model.__table__.c}
            for model in SettingsRow.__subclasses__()
        }
        db.add(Organization(id=org, timezone=timezone, currency=currency, **values))
        db.flush()
        for model, settings in chosen.items():
            if settings:
                db.execute(update(model).values(settings))
    return org


def viewer(
    org: UUID,
    role: Role | str = Role.ADMIN,
    *,
    name: str | None = None,
    password_hash: str | None = None,
) -> Viewer:
    """A new user with ``role`` in the organisation, as the viewer that pages and actions
    receive.
    """
    user_id = uuid4()
    email = f"user{next(number)}.{user_id.hex[:6]}@example.com"
    with as_system(org) as db:
        user = User(
            id=user_id, name=name or email.split("@")[0], email=email, email_normalized=email
        )
        user.password_hash = password_hash
        db.add(user)
        db.flush()
        db.add(
            OrganizationMember(
                organization_id=org, user_id=user_id, role=role, name=user.name, email=email
            )
        )
        home = db.get_one(Organization, org)
        modules = frozenset(home.modules)
        return Viewer(
            user_id,
            user.name,
            email,
            org,
            home.name,
            home.timezone,
            home.currency,
            home.locale,
            Role(role),
            modules,
        )


def closer(
    db: Session, org: UUID, name: str = "Ana", *, user_id: UUID | None = None, **values: Any
) -> Closer:
    values = {"email": f"{name.lower()}.{next(number)}@example.com"} | values
    values["email_normalized"] = normalize_email(values["email"])
    return _add(db, Closer(organization_id=org, name=name, user_id=user_id, **values))


def setter(
    db: Session, org: UUID, name: str = "Sam", *, user_id: UUID | None = None, **values: object
) -> Setter:
    return _add(db, Setter(organization_id=org, name=name, user_id=user_id, **values))


def source(db: Session, org: UUID, name: str = "Webinar") -> Source:
    return _add(db, Source(organization_id=org, name=name))


def address(db: Session, contact: Contact, email: str) -> None:
    """One more address of a contact."""
    more = ContactEmail(
        organization_id=contact.organization_id,
        contact_id=contact.id,
        email=email,
        email_normalized=normalize_email(email),
    )
    db.add(more)
    db.flush()


def event(
    db: Session,
    org: UUID,
    by: Closer | None = None,
    *,
    set_by: Setter | None = None,
    at: datetime = NOON,
    email: str = "lead.one@example.com",
    **values: object,
) -> Event:
    """An event at ``at``, booked two days before, 45 minutes long."""
    defaults = {
        "lead_name": "Lead One",
        "lead_email": email,
        "lead_email_normalized": normalize_email(email),
        "scheduled_at": at,
        "ends_at": at + timedelta(minutes=45),
        "booked_at": at - timedelta(days=2),
        "closer_id": by and by.id,
        "closer_name": by and by.name,
        "setter_id": set_by and set_by.id,
        "setter_name": set_by and set_by.name,
    }
    return _add(db, Event(organization_id=org, **(defaults | values)))


def payment(
    db: Session,
    org: UUID,
    amount: str = "4997.00",
    *,
    currency: str = "USD",
    at: datetime = NOON + timedelta(hours=1),
    email: str | None = "lead.one@example.com",
    **values: object,
) -> Payment:
    """A succeeded payment an hour after the default event's start; what is refunded of it was so at
    once, unless ``refund`` follows.
    """
    defaults = {
        "amount": Decimal(amount),
        "currency": currency,
        "payment_date": at,
        "customer_email": email,
        "customer_email_normalized": normalize_email(email),
    }
    paid = _add(db, Payment(organization_id=org, **(defaults | values)))
    if paid.refund_amount:
        _refunded(db, paid, paid.refund_amount, at=at)
    return paid


def refund(db: Session, paid: Payment, amount: str, *, at: datetime, **values: object) -> Refund:
    """A refund of the payment, which counts unless it failed."""
    made = _refunded(db, paid, Decimal(amount), at=at, **values)
    if made.status not in ("failed", "canceled"):
        grown = Payment.refund_amount + made.amount
        lock_books(db)
        db.execute(update(Payment).where(Payment.id == paid.id).values(refund_amount=grown))
    return made


def _refunded(
    db: Session, paid: Payment, amount: Decimal, *, at: datetime, **values: Any
) -> Refund:
    facts = {
        "payment_id": paid.id,
        "amount": amount,
        "currency": paid.currency,
        "status": "succeeded",
        "processor_refund_id": f"re_{next(number)}",
        "refunded_at": at,
    }
    return _add(db, Refund(organization_id=paid.organization_id, **(facts | values)))


def _add(db: Session, row: Row) -> Row:
    if row.__tablename__ in guarded():
        lock_books(db)
    db.add(row)
    db.flush()
    return row
