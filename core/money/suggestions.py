"""The bookings that a payment may belong to, for a manager who chooses one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, or_, select
from sqlalchemy.orm import Session

from core.bookings.models import Event
from core.money.models import Payment
from core.people.models import ContactEmail
from core.people.visibility import visible
from core.platform.database import organization_id_of
from core.platform.labels import LabelledEnum
from core.platform.search import equals

BEFORE, AFTER = timedelta(days=60), timedelta(days=14)  # so far a name alone is looked for


class Ground(LabelledEnum):
    """Why a booking is suggested for a payment, the surest first."""

    SAME_EMAIL = "same_email", "Very likely: booked with the same e-mail address"
    SAME_PERSON = "same_person", "Very likely: booked with another address of the same contact"
    SAME_NAME = "same_name", "Likely: booked under the same name"
    NEAR = "near", "Possible: close in time only"


def suggestions(db: Session, payment_id: UUID, *, limit: int = 8) -> list[Row[Any]]:
    """The bookings that a payment may belong to: those of the same person by address, then those
    under the same name from 60 days before the payment to 14 after it, then all others; of each of
    these the nearest in time first. Cancelled and moved bookings are left out.

    Columns: id, lead_name, lead_email, scheduled_at, closer, call_status, event_outcome, ground,
    days (from the booking to the payment; negative when the payment came first).
    """
    payment = db.get_one(Payment, (organization_id_of(db), payment_id))
    same_email = equals(Event.lead_email_normalized, payment.customer_email_normalized)
    same_person = Event.contact_id.in_(
        select(ContactEmail.contact_id).where(
            equals(ContactEmail.email_normalized, payment.customer_email_normalized)
        )
    )
    same_name = func.lower(Event.lead_name) == func.lower(payment.customer_name)
    paid_at = payment.payment_date
    names_near = Event.scheduled_at.between(paid_at - BEFORE, paid_at + AFTER) & same_name
    stands = Event.stands, Event.deleted_at.is_(None)
    # In the order of their index from the payment on, so that not all bookings are read.
    before, after = (
        select(Event.id).where(side, *stands).order_by(order).limit(limit)
        for side, order in (
            (Event.scheduled_at <= paid_at, Event.scheduled_at.desc()),
            (Event.scheduled_at > paid_at, Event.scheduled_at),
        )
    )
    age_s = func.extract("epoch", paid_at - Event.scheduled_at)
    ground = case(
        (same_email, Ground.SAME_EMAIL),
        (same_person, Ground.SAME_PERSON),
        (same_name, Ground.SAME_NAME),
        else_=Ground.NEAR,
    )
    surest = case((same_email | same_person, 0), (same_name, 1), else_=2)
    query = (
        select(
            Event.id,
            visible(Event.lead_name),
            visible(Event.lead_email),
            Event.scheduled_at,
            Event.closer_name.label("closer"),
            Event.call_status,
            Event.event_outcome,
            ground.label("ground"),
            func.round(age_s / 86400).label("days"),
        )
        .where(
            or_(same_email, same_person, names_near, Event.id.in_(before), Event.id.in_(after)),
            *stands,
        )
        .order_by(surest, func.abs(age_s), Event.id)
        .limit(limit)
    )
    return list(db.execute(query))
