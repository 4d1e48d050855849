"""The ledger of payments: everything that a processor reports about one payment becomes one row
with its refunds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.bookings.models import Package
from core.money.attribution import attribute
from core.money.models import DealType, Payment, PaymentStatus, Refund, RefundKind, RefundStatus
from core.money.reconciliation import hand_over_words
from core.people.timeline import note
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.labels import capitalized
from core.platform.money import shown
from core.platform.normalization import normalize_email

NOT_COUNTING = (RefundStatus.FAILED, RefundStatus.CANCELED)


class DisputeState(StrEnum):
    """What a processor's word for the state of a dispute means here."""

    OPEN = "open"
    OVER = "over"  # without loss
    LOST = "lost"


@dataclass(frozen=True)
class RefundFact:
    """One refund of a payment, in whole units of the payment's currency. ``status`` is the
    processor's word. The remainder is what a running total knows beyond the refunds that arrived.
    """

    key: str
    amount: Decimal
    status: str
    at: datetime
    reason: str | None = None
    is_remainder: bool = False


@dataclass(frozen=True)
class DisputeFact:
    """One dispute of a payment; ``amount`` is None where it is not known in the payment's
    currency, so that nothing can be subtracted. ``status`` is the processor's word.
    """

    key: str
    amount: Decimal | None
    status: str | None
    state: DisputeState
    at: datetime
    reason: str | None = None

    @property
    def is_subtracted(self) -> bool:
        return self.state == DisputeState.LOST and self.amount is not None


@dataclass(frozen=True)
class PaymentFact:
    """What a processor's objects say together about one payment; ``amount`` in whole units, ISO
    currency in capitals.

    ``also_known_as`` are ids under which it may have been recorded before it was known what belongs
    together. ``state`` is the processor's own word where it is none of ours. ``reported_disputed``
    is what the payment itself says, for when nothing is known of its disputes. ``as_of`` is when
    the processor reported ``status``.
    """

    processor: str
    connection_id: UUID
    key: str
    amount: Decimal
    currency: str
    status: PaymentStatus
    at: datetime
    as_of: datetime | None = None
    also_known_as: Sequence[str] = ()
    state: str | None = None
    charge_key: str | None = None
    email: str | None = None
    name: str | None = None
    membership_key: str | None = None
    package_name: str | None = None
    reported_disputed: bool = False
    disputes: Sequence[DisputeFact] = ()
    refunds: Sequence[RefundFact] = ()


def record_payment(db: Session, fact: PaymentFact) -> Payment:
    """Make or update the payment of ``fact`` and its refunds, then attribute it. Repeating it
    changes nothing.

    A payment is known by its processor and the processor's id, whatever connection it came over.
    Call it holding the organisation's lock on money.
    """
    payment = _known(db, fact) or Payment(
        organization_id=organization_id_of(db),
        connection_id=fact.connection_id,
        processor=fact.processor,
        refund_amount=Decimal(0),
    )
    before = payment.membership_key
    if payment.processor_payment_id != fact.key:  # reported apart, as with a booking, until now
        payment.connection_id = fact.connection_id
    payment.processor_payment_id, payment.processor_charge_id = fact.key, fact.charge_key
    payment.amount, payment.currency, payment.payment_date = fact.amount, fact.currency, fact.at
    if fact.status == PaymentStatus.SUCCEEDED and payment.settled_at is None:
        was_open = payment.status not in (None, PaymentStatus.SUCCEEDED)
        payment.settled_at = (fact.as_of or now()) if was_open else fact.at
    payment.status = fact.status
    payment.customer_email, payment.customer_name = fact.email, fact.name
    payment.customer_email_normalized = normalize_email(fact.email)
    payment.membership_key = fact.membership_key
    payment.disputed, payment.dispute_status = _disputed(fact)
    payment.named_package_id = payment.named_package_id or _package(db, fact.package_name)
    db.add(payment)
    db.flush()
    _record_refunds(db, payment, fact)
    payment.refund_amount = _refunded(db, payment)
    for membership_key in {before, fact.membership_key}:
        _tell_renewals(db, fact.processor, membership_key)
    db.flush()
    attribute(db, payment)
    _note_what_happened(db, payment, fact)
    return payment


def _known(db: Session, fact: PaymentFact) -> Payment | None:
    """The payment's row. What was recorded apart from it, before it was known that both are the
    same money, is deleted.
    """
    ids = (fact.key, *fact.also_known_as)
    mine = Payment.processor_payment_id == fact.key
    known = select(Payment).where(
        Payment.processor == fact.processor, Payment.processor_payment_id.in_(ids)
    )
    payments = db.scalars(known.order_by(mine.desc(), Payment.created_at)).all()
    for other in payments[1:]:
        if other.deleted_at is None:
            other.deleted_at, other.superseded_by_id = now(), payments[0].id
            hand_over_words(db, other.id, payments[0].id)
            same = f"The same money as the payment {fact.key}, which counts"
            key = f"same as {fact.key} {other.id}"
            note(db, "payment_deleted", "payment", other.id, same, dedupe_key=key)
    return next(iter(payments), None)


def _disputed(fact: PaymentFact) -> tuple[bool, str | None]:
    """Whether a dispute runs or was lost; and the state of the one that matters most now."""
    if not fact.disputes:
        return fact.reported_disputed, None
    order = (DisputeState.OVER, DisputeState.LOST, DisputeState.OPEN)
    foremost = max(fact.disputes, key=lambda each: (order.index(each.state), each.at, each.key))
    return foremost.state != DisputeState.OVER, foremost.status


def _package(db: Session, name: str | None) -> UUID | None:
    return (
        db.scalars(select(Package.id).where(func.lower(Package.name) == name.lower())).first()
        if name
        else None
    )


def _record_refunds(db: Session, payment: Payment, fact: PaymentFact) -> None:
    """Refunds and lost disputes. What was recorded before and is none any more, as a dispute that
    was won after all, is cancelled.
    """
    for refund in fact.refunds:
        status = _refund_status(refund.status)
        unknown = None if status == refund.status else f"“{refund.status}” at {fact.processor}"
        _record_refund(
            db,
            payment,
            RefundKind.REFUND,
            refund.key,
            amount=refund.amount,
            status=status,
            refunded_at=refund.at,
            reason=unknown or refund.reason,
        )
    lost = [dispute for dispute in fact.disputes if dispute.is_subtracted]
    for dispute in lost:
        _record_refund(
            db,
            payment,
            RefundKind.DISPUTE,
            dispute.key,
            amount=dispute.amount,
            status=RefundStatus.SUCCEEDED,
            refunded_at=dispute.at,
            reason=dispute.reason,
        )
    keys = [refund.key for refund in fact.refunds] + [dispute.key for dispute in lost]
    gone = Refund.processor_refund_id.not_in(keys)
    db.execute(
        update(Refund)
        .where(Refund.payment_id == payment.id, Refund.status.not_in(NOT_COUNTING), gone)
        .values(status=RefundStatus.CANCELED)
    )


def _refund_status(said: str) -> RefundStatus:
    """A refund counts unless it failed, so one in a state that nobody knows counts too."""
    return RefundStatus(said) if said in set(RefundStatus) else RefundStatus.PENDING


def _record_refund(
    db: Session, payment: Payment, kind: RefundKind, key: str, **values: object
) -> None:
    values = {"kind": kind, "currency": payment.currency} | values
    row = insert(Refund).values(
        organization_id=payment.organization_id,
        payment_id=payment.id,
        processor_refund_id=key,
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


def _tell_renewals(db: Session, processor: str, membership_key: str | None) -> None:
    """The first paid payment of a membership is a new deal, what follows is renewals. Processors
    say it of a single payment only, and after a free trial they call the first money a renewal.
    """
    if membership_key is None:
        return
    same = select(Payment).where(
        Payment.processor == processor, Payment.membership_key == membership_key
    )
    paid_before = False
    for payment in db.scalars(same.order_by(Payment.payment_date, Payment.processor_payment_id)):
        payment.deal_type = DealType.RENEWAL if paid_before else DealType.NEW_DEAL
        paid_before |= payment.status == PaymentStatus.SUCCEEDED and payment.deleted_at is None


def _note_what_happened(db: Session, payment: Payment, fact: PaymentFact) -> None:
    """Add what is new to the payment's timeline: nothing of zero amounts, and each state once."""
    money, status = shown(payment.amount, payment.currency), PaymentStatus(payment.status)
    state = f" (“{fact.state}” at {fact.processor})" if fact.state else ""
    lines: dict[str, tuple[str, str, datetime]] = {
        f"payment {payment.id} {status}{state}": (
            status,
            f"Payment of {money}: {status.label.lower()}{state}",
            fact.at,
        )
    }
    for refund in fact.refunds:
        if refund.amount:
            lines |= _refund_line(payment, refund)
    for dispute in fact.disputes:
        amount = money if dispute.amount is None else shown(dispute.amount, payment.currency)
        word = capitalized(dispute.status or "unknown").lower()
        lines[f"dispute {payment.id} {dispute.key} {dispute.status}"] = (
            "dispute",
            f"Dispute of {amount}: {word}",
            dispute.at,
        )
    if payment.disputed and not fact.disputes:
        lines[f"dispute {payment.id}"] = ("dispute", f"Payment of {money} is disputed", now())
    for key, (kind, sentence, at) in lines.items():
        note(db, f"payment_{kind}", "payment", payment.id, sentence, at=at, dedupe_key=key)


def _refund_line(payment: Payment, refund: RefundFact) -> dict[str, tuple[str, str, datetime]]:
    if refund.is_remainder:
        so_far = shown(payment.refund_amount, payment.currency)
        key, sentence = f"refunded {payment.id} {so_far}", f"Refunded so far: {so_far}"
    else:
        key = f"refund {payment.id} {refund.key} {refund.status}"
        word = capitalized(refund.status).lower().replace("canceled", "cancelled")
        sentence = f"Refund of {shown(refund.amount, payment.currency)}: {word}"
    return {key: ("refund", sentence, refund.at)}
