"""Reconciliation: money that was entered on a form and reported by a processor is recognised as one
payment and counted once.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from core.money.models import (
    MoneySettings,
    Payment,
    PayoutSnapshot,
    PayoutSnapshotDetail,
    SnapshotState,
)
from core.people.models import ContactEmail
from core.tenancy.organizations.queries import settings_of


def customer_emails(db: Session, email: str | None, contact_id: UUID | None = None) -> list[str]:
    """Every normalised address of the person with the address ``email`` or the contact
    ``contact_id``, sorted; includes ``email``.
    """
    people = select(ContactEmail.contact_id).where(ContactEmail.email_normalized == email)
    theirs = select(ContactEmail.email_normalized).where(ContactEmail.contact_id.in_(people))
    known = set(db.scalars(theirs)) | ({email} if email else set())
    if contact_id is not None:
        known |= set(
            db.scalars(
                select(ContactEmail.email_normalized).where(ContactEmail.contact_id == contact_id)
            )
        )
    return sorted(known)


def reconcile(db: Session, payment: Payment) -> None:
    """Pair the customer's form payments with the processor's, within the organisation's window.

    Same customer, currency and amount. The processor's record wins; a form payment that an approved
    payout has counted wins instead, so that the money is not paid out twice. The pairing is
    computed anew from all of the customer's payments of this amount, so it does not depend on the
    order of arrival.
    """
    emails = customer_emails(db, payment.customer_email_normalized)
    if not emails:
        return
    same = (
        select(Payment, _frozen(Payment.id).label("frozen"))
        .where(
            Payment.customer_email_normalized.in_(emails),
            Payment.currency == payment.currency,
            Payment.amount == payment.amount,
            Payment.status == "succeeded",
            Payment.deleted_at.is_(None),
        )
        .order_by(Payment.payment_date, Payment.processor_payment_id, Payment.id)
    )
    rows = db.execute(same).all()
    reported = [row for row in rows if row.Payment.connection_id is not None]
    window = timedelta(days=settings_of(db, MoneySettings).reconciliation_days)
    winners: dict[UUID, UUID | None] = {row.Payment.id: None for row in rows}
    for form in (row for row in rows if row.Payment.connection_id is None):
        near = [
            row
            for row in reported
            if abs(row.Payment.payment_date - form.Payment.payment_date) <= window
        ]
        if not near:
            continue
        match = min(near, key=lambda row: _distance(row.Payment, form.Payment))
        reported.remove(match)
        loser, winner = (match, form) if form.frozen else (form, match)
        winners[loser.Payment.id] = winner.Payment.id
    for row in rows:
        row.Payment.superseded_by_id = winners[row.Payment.id]
    db.flush()


def _distance(reported: Payment, form: Payment) -> tuple[timedelta, str]:
    return abs(reported.payment_date - form.payment_date), reported.processor_payment_id or ""


def _frozen(payment_id: object) -> ColumnElement[bool]:
    return exists().where(
        PayoutSnapshotDetail.payment_id == payment_id,
        PayoutSnapshot.organization_id == PayoutSnapshotDetail.organization_id,
        PayoutSnapshot.id == PayoutSnapshotDetail.snapshot_id,
        PayoutSnapshot.state != SnapshotState.DRAFT,
    )
