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

from sqlalchemy import any_, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.bookings.models import Event, Package
from core.money.attribution import attribute
from core.money.models import (
    UNDONE,
    DealType,
    Payment,
    PaymentStatus,
    PayoutSnapshot,
    PayoutSnapshotDetail,
    Refund,
    RefundKind,
    RefundStatus,
    SnapshotState,
)
from core.money.reconciliation import hand_over_words
from core.people.timeline import note
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.labels import capitalized
from core.platform.money import shown
from core.platform.normalization import normalize_email

CHOICE = ("chosen_at", "chosen_event_id", "chosen_by", "chosen_reason")
TOTAL_OF = "total of "  # begins the key of a refund that only a running total knows of


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
    together. ``booked_event_id`` is the booking that it was paid with. ``state`` is the processor's
    own word where it is none of ours. ``reported_disputed`` is what the payment itself says, for
    when nothing is known of its disputes. ``succeeded_at`` is when the processor reported that the
    money has come in, where it did so by an event of its own.
    """

    processor: str
    connection_id: UUID
    key: str
    amount: Decimal
    currency: str
    status: PaymentStatus
    at: datetime
    succeeded_at: datetime | None = None
    also_known_as: Sequence[str] = ()
    state: str | None = None
    charge_key: str | None = None
    email: str | None = None
    name: str | None = None
    membership_key: str | None = None
    booked_event_id: UUID | None = None
    package_name: str | None = None
    reported_disputed: bool = False
    disputes: Sequence[DisputeFact] = ()
    refunds: Sequence[RefundFact] = ()


def record_payment(db: Session, fact: PaymentFact) -> Payment:
    """Make or update the payment of ``fact`` and its refunds, then attribute it. Repeating it
    changes nothing.

    A payment is known by its processor and the processor's id, whatever connection it came over.
    Call it holding the organisation's books where ``fact`` was read from rows.
    """
    lock_books(db)
    payment = _known(db, fact) or Payment(
        organization_id=organization_id_of(db),
        connection_id=fact.connection_id,
        processor=fact.processor,
        refund_amount=Decimal(0),
    )
    before = payment.membership_key
    payment.connection_id = fact.connection_id  # until now it may have come with a booking alone
    payment.processor_payment_id, payment.processor_charge_id = fact.key, fact.charge_key
    payment.amount, payment.currency, payment.payment_date = fact.amount, fact.currency, fact.at
    if fact.status == PaymentStatus.SUCCEEDED:
        payment.settled_at = fact.succeeded_at or payment.settled_at or fact.at
    payment.status = fact.status
    payment.booked_event_id = fact.booked_event_id or payment.booked_event_id
    _name_customer(db, payment, fact.email, fact.name)
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


def note_booking(db: Session, payment: Payment, event_id: UUID) -> None:
    """The payment, which its processor has reported, was paid with this booking. Call it holding
    the organisation's books.
    """
    payment.booked_event_id = event_id
    _name_customer(db, payment, payment.customer_email, payment.customer_name)
    attribute(db, payment)


def _name_customer(db: Session, payment: Payment, email: str | None, name: str | None) -> None:
    """Who paid, as the processor says; where it does not, as the booking does."""
    if payment.booked_event_id is not None and not (email and name):
        booked = select(Event.lead_email, Event.lead_name).where(
            Event.id == payment.booked_event_id
        )
        lead = db.execute(booked).one()
        email, name = email or lead.lead_email, name or lead.lead_name
    payment.customer_email, payment.customer_name = email, name
    payment.customer_email_normalized = normalize_email(email)


def _known(db: Session, fact: PaymentFact) -> Payment | None:
    """The payment's row. What was recorded apart from it, before it was known that both are the
    same money, is deleted; the row takes over what was decided and known of it.
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
            _take_over(payments[0], other)
            hand_over_words(db, other.id, payments[0].id)
            same = f"The same money as the payment {fact.key}, which counts"
            key = f"same as {fact.key} {other.id}"
            note(db, "payment_deleted", "payment", other.id, same, dedupe_key=key)
    return next(iter(payments), None)


def _take_over(payment: Payment, other: Payment) -> None:
    """The booking that the other record of the same money was paid with, and what a person chose
    for it, unless they chose for this one later.
    """
    payment.booked_event_id = payment.booked_event_id or other.booked_event_id
    if other.chosen_at is not None and (
        payment.chosen_at is None or payment.chosen_at < other.chosen_at
    ):
        for name in CHOICE:
            setattr(payment, name, getattr(other, name))


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
    _name_anew(db, payment, fact.refunds)
    parts = _parts_of_totals(db, payment, fact.refunds)
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
            **({"split_of_id": parts[refund.key]} if refund.key in parts else {}),
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
        .where(Refund.payment_id == payment.id, Refund.counts, gone)
        .values(status=RefundStatus.CANCELED)
    )


def _name_anew(db: Session, payment: Payment, refunds: Sequence[RefundFact]) -> None:
    """A refund that only a running total knew of stays the same row when it is reported by itself,
    or turns out to be older, so that a payout that has counted it has nothing to correct.
    """
    recorded = select(Refund.processor_refund_id, Refund.amount, Refund.counts).where(
        Refund.payment_id == payment.id
    )
    known = db.execute(recorded.order_by(Refund.refunded_at)).all()
    keys = {row.processor_refund_id for row in known}
    wanted = {refund.key for refund in refunds}
    left = {
        row.processor_refund_id: row.amount
        for row in known
        if row.processor_refund_id.startswith(TOTAL_OF)
        and row.processor_refund_id not in wanted
        and row.counts
    }
    for refund in refunds:
        alike = (key for key in left if refund.is_remainder or left[key] == refund.amount)
        found = max(alike, key=lambda key: left[key] == refund.amount, default=None)
        if refund.key in keys or found is None:
            continue
        del left[found]
        row = update(Refund).where(
            Refund.payment_id == payment.id, Refund.processor_refund_id == found
        )
        db.execute(row.values(processor_refund_id=refund.key))


def _parts_of_totals(
    db: Session, payment: Payment, refunds: Sequence[RefundFact]
) -> dict[str, UUID]:
    """By key the refunds that are reported by themselves for the first time, and of which only a
    part of a running total was known, with the row of that part: where an approved payout has
    counted it, it has counted them with it.
    """
    recorded = select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.refunded_at)
    known = {row.processor_refund_id: row for row in db.scalars(recorded)}
    wanted = {refund.key: refund.amount for refund in refunds}
    left = {
        row.id: row.amount - wanted.get(key, Decimal(0))
        for key, row in known.items()
        if key.startswith(TOTAL_OF) and row.counts and _is_counted(db, row)
    }
    parts: dict[str, UUID] = {}
    for refund in refunds:
        is_new = refund.key not in known and not refund.is_remainder
        held = next((id_ for id_, rest in left.items() if rest >= refund.amount), None)
        if is_new and held is not None and _refund_status(refund.status) not in UNDONE:
            parts[refund.key] = held
            left[held] -= refund.amount
    return parts


def _is_counted(db: Session, refund: Refund) -> bool:
    lines = PayoutSnapshotDetail
    counted = (
        select(lines.id)
        .join(PayoutSnapshot, PayoutSnapshot.id == lines.snapshot_id)
        .where(PayoutSnapshot.state != SnapshotState.DRAFT, lines.held_back.is_(None))
        .where(lines.payment_id == refund.payment_id, any_(lines.refund_ids) == refund.id)
    )
    return db.scalars(counted.limit(1)).first() is not None


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
    counting = text("""
        select coalesce(sum(amount), 0) from app.counting_refunds(array[cast(:payment as uuid)])
    """)
    return db.scalars(counting, {"payment": payment.id}).one()


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
