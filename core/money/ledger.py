"""The ledger of payments: everything that a processor reports about one payment becomes one row
with its refunds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.bookings.models import Package
from core.money.attribution import attribute
from core.money.models import DealType, Payment, PaymentStatus, Refund
from core.people.timeline import note
from core.platform.database import organization_id_of
from core.platform.money import shown
from core.platform.normalization import normalize_email

NOT_COUNTING = ("failed", "canceled")


@dataclass(frozen=True)
class RefundFact:
    """One refund (or lost dispute) of a payment, in major units of the payment's currency."""

    key: str
    amount: Decimal
    status: str
    at: datetime
    kind: str = "refund"
    reason: str | None = None


@dataclass(frozen=True)
class PaymentFact:
    """What a processor's objects say together about one payment; ``amount`` in major units, ISO
    currency in capitals.
    """

    processor: str
    connection_id: UUID
    key: str
    amount: Decimal
    currency: str
    status: PaymentStatus
    at: datetime
    charge_key: str | None = None
    email: str | None = None
    name: str | None = None
    membership_key: str | None = None
    package_name: str | None = None
    deal_type: str = "new_deal"
    disputed: bool = False
    dispute_status: str | None = None
    refunds: Sequence[RefundFact] = ()


def record_payment(db: Session, fact: PaymentFact) -> Payment:
    """Make or update the payment of ``fact`` and its refunds, then attribute it. Repeating it
    changes nothing.

    Call it holding the organisation's lock on money.
    """
    known = select(Payment).where(
        Payment.connection_id == fact.connection_id, Payment.processor_payment_id == fact.key
    )
    payment = db.scalars(known).first() or Payment(
        organization_id=organization_id_of(db),
        connection_id=fact.connection_id,
        processor_payment_id=fact.key,
        refund_amount=Decimal(0),
    )
    payment.amount, payment.currency, payment.payment_date = fact.amount, fact.currency, fact.at
    payment.status, payment.processor, payment.processor_charge_id = (
        fact.status,
        fact.processor,
        fact.charge_key,
    )
    payment.customer_email, payment.customer_name = fact.email, fact.name
    payment.customer_email_normalized = normalize_email(fact.email)
    payment.membership_key, payment.deal_type = fact.membership_key, DealType(fact.deal_type)
    payment.disputed, payment.dispute_status = fact.disputed, fact.dispute_status
    payment.package_id = payment.package_id or _package(db, fact.package_name)
    db.add(payment)
    db.flush()
    for refund in fact.refunds:
        _record_refund(db, payment, refund)
    payment.refund_amount = _refunded(db, payment)
    db.flush()
    attribute(db, payment)
    _tell(db, payment, fact)
    return payment


def _package(db: Session, name: str | None) -> UUID | None:
    return (
        db.scalars(select(Package.id).where(func.lower(Package.name) == name.lower())).first()
        if name
        else None
    )


def _record_refund(db: Session, payment: Payment, fact: RefundFact) -> None:
    values = {
        "kind": fact.kind,
        "amount": fact.amount,
        "currency": payment.currency,
        "status": fact.status,
        "refunded_at": fact.at,
        "reason": fact.reason,
    }
    row = insert(Refund).values(
        organization_id=payment.organization_id,
        payment_id=payment.id,
        processor_refund_id=fact.key,
        **values,
    )
    db.execute(
        row.on_conflict_do_update(
            index_elements=["organization_id", "payment_id", "processor_refund_id"], set_=values
        )
    )


def _refunded(db: Session, payment: Payment) -> Decimal:
    counting = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        Refund.payment_id == payment.id, Refund.status.not_in(NOT_COUNTING)
    )
    return db.scalars(counting).one()


def _tell(db: Session, payment: Payment, fact: PaymentFact) -> None:
    money = shown(payment.amount, payment.currency)
    lines: dict[str, tuple[str, str, datetime]] = {
        f"payment {payment.id} {payment.status}": (
            payment.status,
            f"Payment of {money}: {payment.status}",
            fact.at,
        )
    }
    for refund in fact.refunds:
        sentence = (
            f"{refund.kind.capitalize()} of {shown(refund.amount, payment.currency)}:"
            f" {refund.status}"
        )
        lines[f"refund {payment.id} {refund.key} {refund.status}"] = (
            refund.kind,
            sentence,
            refund.at,
        )
    if payment.disputed:
        lines[f"dispute {payment.id}"] = ("dispute", f"Payment of {money} is disputed", fact.at)
    for key, (kind, sentence, at) in lines.items():
        note(db, f"payment_{kind}", "payment", payment.id, sentence, at=at, dedupe_key=key)
