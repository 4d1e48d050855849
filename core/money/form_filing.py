"""Filing a post-call form and recording its cash as a payment, in one transaction under the
identity of whoever files it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.bookings.form_answers import FormAnswers
from core.bookings.forms import event_for_form, form_of, save_form
from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import BookingSettings, Event, PostCallForm
from core.bookings.status import settle_status
from core.money.attribution import attribute_event, is_frozen
from core.money.models import AttributionMethod, Payment
from core.people.timeline import note
from core.platform.clock import now
from core.platform.errors import Conflict, NotFound
from core.tenancy.access.viewers import FormFiler
from core.tenancy.organizations.queries import settings_of


def file_form(
    db: Session, event_id: UUID, answers: FormAnswers, by: FormFiler, *, at: datetime | None = None
) -> PostCallForm:
    """File or correct the form of one event: the answers, the event's status that follows from
    them, and the cash as a payment. ``at`` is when it was filed, by default now.

    The cash is one payment per form, however often the form is corrected. A job finds out
    afterwards whether a processor has reported the same money.

    Raises:
        NotFound, NotAllowed, Conflict: see ``core.bookings.forms.event_for_form``.
        FormProblems: invalid answers, field by field.
    """
    event = event_for_form(db, event_id, by)
    form = save_form(db, event, answers, by, at=at)
    _record_cash(db, event, form)
    verb = "filed" if form.version == 1 else "corrected"
    note(
        db,
        "pcf",
        "event",
        event.id,
        f"Form {verb} {by.signature}",
        contact_id=event.contact_id,
        actor_user_id=by.user_id,
    )
    _follow_up(db, event)
    return form


def withdraw_form(db: Session, event_id: UUID, by: FormFiler) -> None:
    """Withdraw a form: the event is pending again, and its cash no longer counts.

    Raises:
        NotFound: there is no form to withdraw, or none that ``by`` sees.
        NotAllowed, Conflict: see ``core.bookings.forms.event_for_form``; Conflict also when its
            cash was paid out.
    """
    event = event_for_form(db, event_id, by)
    form = form_of(db, event_id)
    if form is None:
        raise NotFound("No form was filed for this booking.")
    if (payment := _cash_of(db, form)) is not None:
        _refuse_when_frozen(db, payment)
        payment.pcf_id, payment.deleted_at = None, now()
        db.flush()
    db.execute(delete(PostCallForm).where(PostCallForm.id == form.id))
    settle_status(event, None, settings_of(db, BookingSettings).late_cancel_hours)
    note(
        db,
        "pcf",
        "event",
        event.id,
        f"Form taken back {by.signature}",
        contact_id=event.contact_id,
        actor_user_id=by.user_id,
    )
    _follow_up(db, event)


def _record_cash(db: Session, event: Event, form: PostCallForm) -> None:
    payment = _cash_of(db, form)
    amount = form.cash_collected or Decimal(0)
    if payment is None and not amount:
        return
    if payment is None:
        payment = Payment(
            organization_id=event.organization_id,
            pcf_id=form.id,
            processor="manual",
            refund_amount=Decimal(0),
            payment_date=form.submitted_at,
        )
    elif (payment.amount, payment.currency, payment.deleted_at is None) != (
        amount,
        form.currency,
        bool(amount),
    ):
        _refuse_when_frozen(db, payment)
    payment.amount, payment.currency = amount, form.currency or payment.currency
    payment.deleted_at = None if amount else payment.deleted_at or now()
    payment.payment_type, payment.package_id = form.payment_type, form.package_id
    payment.customer_email, payment.customer_email_normalized = (
        event.lead_email,
        event.lead_email_normalized,
    )
    payment.customer_name, payment.event_id = event.lead_name, event.id
    for column in LISTED_COLUMNS:
        setattr(payment, column, getattr(event, column))
    payment.attribution_method, payment.attributed_at = AttributionMethod.FORM, now()
    payment.attribution_reason = "entered on the form of this booking"
    db.add(payment)
    db.flush()


def _cash_of(db: Session, form: PostCallForm) -> Payment | None:
    return db.scalars(select(Payment).where(Payment.pcf_id == form.id)).first()


def _refuse_when_frozen(db: Session, payment: Payment) -> None:
    if is_frozen(db, payment):
        raise Conflict(
            "An approved payout has already counted this booking's cash, so it cannot be changed."
        )


def _follow_up(db: Session, event: Event) -> None:
    """Have a job attribute the customer's other payments, which may belong to people that the rep
    cannot see.
    """
    db.flush()
    attribute_event.later(db, event.id)
