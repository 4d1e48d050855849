"""Attribution: which event a payment belongs to, which closer, setter and source follow from it,
and the reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from core.bookings import tasks
from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import CallStatus, Event, PostCallForm
from core.money.models import AttributionMethod, MoneySettings, Payment
from core.money.reconciliation import customer_emails, reconcile
from core.people.models import ContactEmail
from core.platform.advisory_locks import advisory_lock
from core.platform.clock import now
from core.platform.errors import Conflict, InvalidInput, NotFound
from core.platform.tasks import implements, task
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import current_organization, settings_of


@task()
def attribute_payment(db: Session, payment_id: UUID) -> None:
    """Find out anew whose payment it is. A person's choice and an approved payout are left as they
    are.
    """
    advisory_lock(db, "money")
    payment = db.scalars(select(Payment).where(Payment.id == payment_id)).first()
    if payment is not None:
        attribute(db, payment)


@implements(tasks.attribute_event)
def attribute_event(db: Session, event_id: UUID) -> None:
    """An event is new, moved, cancelled or has other people: attribute every payment that it may
    concern anew.
    """
    advisory_lock(db, "money")
    event = db.scalars(select(Event).where(Event.id == event_id)).first()
    if event is None:
        return
    emails = customer_emails(db, event.lead_email_normalized, event.contact_id)
    concerned = or_(Payment.event_id == event.id, Payment.customer_email_normalized.in_(emails))
    for payment in db.scalars(
        select(Payment).where(concerned).order_by(Payment.payment_date, Payment.id)
    ):
        attribute(db, payment)


def attribute(db: Session, payment: Payment) -> None:
    """Set event, closer, setter, source, method and reason of ``payment`` and of the later payments
    of its membership, and match it with payments entered on forms that are the same money.
    """
    if payment.attribution_method != AttributionMethod.MANUAL and not is_frozen(db, payment):
        _assign(payment, *_match(db, payment))
        db.flush()
    reconcile(db, payment)
    for later in _later_of_membership(db, payment):
        if later.attribution_method != AttributionMethod.MANUAL and not is_frozen(db, later):
            _assign(later, *_match(db, later))
    db.flush()


def is_frozen(db: Session, payment: Payment) -> bool:
    """Whether an approved payout has counted the payment; also answered for those who may not see
    payouts.
    """
    return db.execute(select(func.app.is_paid_out(payment.id))).scalar_one()


def _assign(payment: Payment, event: Event | None, method: AttributionMethod, reason: str) -> None:
    if (payment.event_id, payment.attribution_reason) != (event and event.id, reason):
        payment.attributed_at = now()
    payment.event_id = event.id if event else None
    for column in LISTED_COLUMNS:
        setattr(payment, column, getattr(event, column) if event else None)
    payment.attribution_method, payment.attribution_reason = method, reason


def _match(db: Session, payment: Payment) -> tuple[Event | None, AttributionMethod, str]:
    if payment.pcf_id is not None:
        event = db.scalars(
            select(Event)
            .join(
                PostCallForm,
                (PostCallForm.organization_id == Event.organization_id)
                & (PostCallForm.event_id == Event.id),
            )
            .where(PostCallForm.id == payment.pcf_id)
        ).one()
        return (
            event,
            AttributionMethod.FORM,
            f"entered on the form of the booking of {_moment(db, event.scheduled_at)}",
        )
    first = _first_of_membership(db, payment)
    if first is not None and first.event_id is not None:
        event = db.get_one(Event, (payment.organization_id, first.event_id))
        return (
            event,
            AttributionMethod.MEMBERSHIP,
            f"follows the first payment, of {_moment(db, first.payment_date)}",
        )
    return _match_email(db, payment)


def _match_email(db: Session, payment: Payment) -> tuple[Event | None, AttributionMethod, str]:
    email = payment.customer_email_normalized
    if email is None:
        return None, AttributionMethod.NONE, "the payment carries no e-mail address"
    theirs = _events_of(db, email)
    earlier = theirs.where(Event.scheduled_at <= payment.payment_date).order_by(
        Event.scheduled_at.desc(), Event.id.desc()
    )
    if event := db.scalars(earlier.limit(1)).first():
        return (
            event,
            AttributionMethod.EMAIL,
            f"matched {email} to the booking of {_moment(db, event.scheduled_at)}",
        )
    if days := settings_of(db, MoneySettings).forward_attribution_days:
        until = payment.payment_date + timedelta(days=days)
        later = theirs.where(Event.scheduled_at <= until).order_by(Event.scheduled_at, Event.id)
        if event := db.scalars(later.limit(1)).first():
            reason = f"matched {email} to the later booking of {_moment(db, event.scheduled_at)}"
            return event, AttributionMethod.LATER_CALL, reason
    return None, AttributionMethod.NONE, f"no booking of {email} at or before the payment"


def _events_of(db: Session, email: str) -> Select[Event]:
    """The events that count for a customer, under any of their addresses: neither cancelled, moved
    nor deleted.
    """
    contact_ids, emails = _identities(db, email)
    whose: ColumnElement[bool] = Event.lead_email_normalized.in_(emails)
    if contact_ids:
        whose = or_(whose, Event.contact_id.in_(contact_ids))
    return select(Event).where(
        whose,
        Event.call_status.not_in([CallStatus.CANCELED, CallStatus.RESCHEDULED]),
        Event.deleted_at.is_(None),
    )


def _identities(db: Session, email: str) -> tuple[list[UUID], list[str]]:
    contact_ids = list(
        db.scalars(select(ContactEmail.contact_id).where(ContactEmail.email_normalized == email))
    )
    return contact_ids, customer_emails(db, email, contact_ids[0] if contact_ids else None)


def _moment(db: Session, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(current_organization(db).timezone))
    return f"{local.day} {local:%b, %H:%M}"


def _first_of_membership(db: Session, payment: Payment) -> Payment | None:
    """The earliest payment of the same membership, unless that is this one."""
    if payment.membership_key is None:
        return None
    same = select(Payment).where(
        Payment.membership_key == payment.membership_key,
        Payment.processor == payment.processor,
        Payment.status == "succeeded",
        Payment.deleted_at.is_(None),
    )
    first = db.scalars(
        same.order_by(Payment.payment_date, Payment.processor_payment_id).limit(1)
    ).first()
    return None if first is None or first.id == payment.id else first


def _later_of_membership(db: Session, payment: Payment) -> list[Payment]:
    if payment.membership_key is None:
        return []
    same = select(Payment).where(
        Payment.membership_key == payment.membership_key,
        Payment.processor == payment.processor,
        Payment.id != payment.id,
    )
    return list(db.scalars(same.order_by(Payment.payment_date, Payment.id)))


def choose_event(
    db: Session, payment_id: UUID, event_id: UUID | None, by: Viewer, reason: str
) -> None:
    """Attribute the payment to the event that a person chose, or with None to no event. Later runs
    keep the choice.

    Raises:
        NotFound: no such payment or event for ``by``.
        InvalidInput: no reason was given.
        Conflict: an approved payout has already counted the payment.
    """
    if not reason.strip():
        raise InvalidInput(
            "Say in a few words why; the next person will want to know.", field="reason"
        )
    payment = _changeable(db, payment_id)
    event = db.scalars(select(Event).where(Event.id == event_id)).first() if event_id else None
    if event_id and event is None:
        raise NotFound("There is no such booking.")
    _assign(payment, event, AttributionMethod.MANUAL, f"chosen by {by.name}: {reason.strip()}")
    db.flush()


def clear_choice(db: Session, payment_id: UUID) -> None:
    """Remove a person's choice and attribute the payment automatically again. Raises NotFound and
    Conflict like ``choose_event``.
    """
    payment = _changeable(db, payment_id)
    payment.attribution_method = AttributionMethod.NONE
    attribute(db, payment)


def _changeable(db: Session, payment_id: UUID) -> Payment:
    wanted = (
        select(Payment)
        .where(Payment.id == payment_id, Payment.deleted_at.is_(None))
        .with_for_update()
    )
    payment = db.scalars(wanted).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    if is_frozen(db, payment):
        raise Conflict("An approved payout has already counted this payment, so it stays as it is.")
    return payment
