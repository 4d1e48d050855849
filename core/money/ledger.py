"""The ledger of payments: everything that a processor reports about one payment becomes one row
with its refunds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from core.bookings.models import Event, Package
from core.money.attribution import attribute, attribute_ids
from core.money.models import Payment, PaymentStatus
from core.money.payment_facts import DisputeState, PaymentFact, RefundFact
from core.money.reconciliation import hand_over_words
from core.money.refunds import record_refunds
from core.people.timeline import Line, add_lines, note
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.labels import capitalized
from core.platform.money import recorded
from core.platform.normalization import normalize_email

CHOICE = ("chosen_at", "chosen_event_id", "chosen_by", "chosen_reason")
RENEWALS = text("""
    update app.payments p set deal_type = n.deal_type
      from (
        select q.id, case when bool_or(q.status = 'succeeded' and q.deleted_at is null) over before
                 then 'renewal' else 'new_deal' end as deal_type
          from unnest(cast(:processors as text[]), cast(:keys as text[])) m (processor, key)
          join app.payments q on q.organization_id = app.cur_org()
            and q.processor = m.processor and q.membership_key = m.key
        window before as (partition by q.processor, q.membership_key
          order by q.payment_date, q.processor_payment_id, q.id
          rows between unbounded preceding and 1 preceding)) n
     where p.organization_id = app.cur_org() and p.id = n.id and p.deal_type <> n.deal_type
""")


def record_payment(db: Session, fact: PaymentFact) -> Payment:
    """The same as ``record_payments`` for one payment, which is returned."""
    [payment] = record_payments(db, [fact])
    return payment


def record_payments(db: Session, facts: Sequence[PaymentFact]) -> list[Payment]:
    """Make or update the payment of each fact and its refunds, then attribute them together.
    Repeating it changes nothing.

    A payment is known by its processor and the processor's id, whatever connection it came over.
    Call it holding the organisation's books where the facts were read from rows.
    """
    if not facts:
        return []
    lock_books(db)
    known, packages = _Known(db, facts), _packages(db, facts)
    payments = [known.payment_of(fact) for fact in facts]
    ended = {(each.processor, each.membership_key) for each in payments}
    for payment, fact in zip(payments, facts, strict=True):
        _fill(db, payment, fact)
        package = packages.get((fact.package_name or "").lower())
        payment.named_package_id = payment.named_package_id or package
    db.add_all(payments)
    db.flush()
    ids = [payment.id for payment in payments]
    refunded = record_refunds(db, ids, facts)
    ended |= {(each.processor, each.membership_key) for each in facts}
    _tell_renewals(db, ended)
    lines = [
        line
        for payment, fact in zip(payments, facts, strict=True)
        for line in _what_happened(payment, fact, refunded.get(payment.id, Decimal(0)))
    ]
    attribute_ids(db, ids)
    add_lines(db, lines)
    return payments


def _fill(db: Session, payment: Payment, fact: PaymentFact) -> None:
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


class _Known:
    """The rows of the payments that facts are about, by the processor's ids."""

    def __init__(self, db: Session, facts: Sequence[PaymentFact]) -> None:
        self._db = db
        keys = {key for fact in facts for key in (fact.key, *fact.also_known_as)}
        known = select(Payment).where(
            Payment.processor.in_({fact.processor for fact in facts}),
            Payment.processor_payment_id.in_(keys),
        )
        rows = db.scalars(known.order_by(Payment.created_at)).all()
        self._rows = {(row.processor, row.processor_payment_id): row for row in rows}
        self._places = {row.id: place for place, row in enumerate(rows)}

    def payment_of(self, fact: PaymentFact) -> Payment:
        """The payment's row, or a new one. What was recorded apart from it, before it was known
        that both are the same money, is deleted; the row takes over what was decided and known of
        it.
        """
        ids = {(fact.processor, key) for key in (fact.key, *fact.also_known_as)}
        mine = {row.id: row for key in ids if (row := self._rows.get(key))}
        payment, *others = sorted(mine.values(), key=lambda row: self._order(row, fact)) or [
            self._new(fact)
        ]
        for other in others:
            if other.deleted_at is None:
                self._stand_for(payment, other, fact.key)
        self._rows[fact.processor, fact.key] = payment
        return payment

    def _order(self, row: Payment, fact: PaymentFact) -> tuple[bool, int]:
        return row.processor_payment_id != fact.key, self._places[row.id]

    def _new(self, fact: PaymentFact) -> Payment:
        payment = Payment(
            organization_id=organization_id_of(self._db),
            id=uuid4(),
            connection_id=fact.connection_id,
            processor=fact.processor,
            refund_amount=Decimal(0),
        )
        self._places[payment.id] = len(self._places)
        return payment

    def _stand_for(self, payment: Payment, other: Payment, key: str) -> None:
        other.deleted_at, other.superseded_by_id = now(), payment.id
        _take_over(payment, other)
        hand_over_words(self._db, other.id, payment.id)
        same = f"The same money as the payment {key}, which counts"
        once = f"same as {key} {other.id}"
        note(self._db, "payment_deleted", "payment", other.id, same, dedupe_key=once)


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


def _packages(db: Session, facts: Sequence[PaymentFact]) -> dict[str, UUID]:
    """The packages that the facts name, by name in lower case."""
    names = {fact.package_name.lower() for fact in facts if fact.package_name}
    if not names:
        return {}
    lower = func.lower(Package.name)
    named = select(lower, Package.id).where(lower.in_(names)).order_by(Package.id.desc())
    return {name: package_id for name, package_id in db.execute(named)}  # noqa: C416 - rows


def _tell_renewals(db: Session, memberships: Iterable[tuple[str, str | None]]) -> None:
    """The first paid payment of a membership is a new deal, what follows is renewals. Processors
    say it of a single payment only, and after a free trial they call the first money a renewal.
    """
    known = [(processor, key) for processor, key in memberships if key is not None]
    if known:
        processors, keys = zip(*sorted(known), strict=True)
        db.execute(RENEWALS, {"processors": list(processors), "keys": list(keys)})


def _what_happened(payment: Payment, fact: PaymentFact, refunded: Decimal) -> Iterator[Line]:
    """What may be new to the payment's timeline: nothing of zero amounts, and each state once."""
    money, status = recorded(payment.amount, payment.currency), PaymentStatus(payment.status)
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
            lines |= _refund_line(payment, refund, refunded)
    for dispute in fact.disputes:
        amount = money if dispute.amount is None else recorded(dispute.amount, payment.currency)
        word = capitalized(dispute.status or "unknown").lower()
        lines[f"dispute {payment.id} {dispute.key} {dispute.status}"] = (
            "dispute",
            f"Dispute of {amount}: {word}",
            dispute.at,
        )
    if payment.disputed and not fact.disputes:
        lines[f"dispute {payment.id}"] = ("dispute", f"Payment of {money} is disputed", now())
    for key, (kind, sentence, at) in lines.items():
        yield Line(f"payment_{kind}", "payment", payment.id, sentence, at=at, dedupe_key=key)


def _refund_line(
    payment: Payment, refund: RefundFact, refunded: Decimal
) -> dict[str, tuple[str, str, datetime]]:
    if refund.is_remainder:
        so_far = recorded(refunded, payment.currency)
        key, sentence = f"refunded {payment.id} {so_far}", f"Refunded so far: {so_far}"
    else:
        key = f"refund {payment.id} {refund.key} {refund.status}"
        word = capitalized(refund.status).lower().replace("canceled", "cancelled")
        sentence = f"Refund of {recorded(refund.amount, payment.currency)}: {word}"
    return {key: ("refund", sentence, refund.at)}
