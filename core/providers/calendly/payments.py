"""Money that an invitee paid when booking. The processor reports the same money where it is
connected; where it is not, the booking is the only trace of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection
from core.money.ledger import note_booking, record_payment
from core.money.models import Payment, PaymentStatus
from core.money.payment_facts import PaymentFact
from core.platform.advisory_locks import lock_books
from core.platform.errors import InvalidInput
from core.platform.money import check_currency, decimals
from core.providers.provider import NoConnection
from core.providers.values import mapping, word

MOST = Decimal(10) ** 12


def record_booking_payment(
    db: Session,
    connection: WebhookConnection | NoConnection,
    invitee: Mapping[str, Any],
    event_id: UUID,
) -> None:
    """Record what was paid with the booking as a payment of its processor. Where the processor has
    reported it itself, its record is the payment, of which this booking is known now; so it is
    where a person has deleted that record.

    The processor's id of the charge is the key, so that the processor's own record takes the place
    of this one when it comes.
    """
    fact = _fact(connection, invitee, event_id)
    if fact is None:
        return
    lock_books(db)
    itself = select(WebhookConnection.id).where(WebhookConnection.provider == fact.processor)
    reported = select(Payment).where(
        Payment.processor == fact.processor,
        Payment.connection_id.in_(itself),
        or_(Payment.deleted_at.is_(None), Payment.superseded_by_id.is_(None)),
        or_(Payment.processor_payment_id == fact.key, Payment.processor_charge_id == fact.key),
    )
    standing = Payment.deleted_at.is_(None)
    payment = db.scalars(reported.order_by(standing.desc(), Payment.created_at)).first()
    if payment is None:
        record_payment(db, fact)
    else:
        note_booking(db, payment, event_id)


def money_key(paid: Mapping[str, Any]) -> str | None:
    """What is the same wherever the same money is named: its processor and the processor's id."""
    processor, key = word(paid.get("provider")), word(paid.get("external_id"))
    return f"{processor.lower()} {key}" if processor and key else None


def is_money(paid: Mapping[str, Any]) -> bool:
    """Whether an invitee's payment says which money was paid, and that it was."""
    currency = _currency(paid.get("currency"))
    amount = _amount(paid.get("amount"), currency) if currency else None
    return bool(money_key(paid) and amount) and paid.get("successful") is True


def _fact(
    connection: WebhookConnection | NoConnection, invitee: Mapping[str, Any], event_id: UUID
) -> PaymentFact | None:
    paid, at = mapping(invitee.get("payment")), invitee.get("created_at")
    currency = _currency(paid.get("currency"))
    amount = _amount(paid.get("amount"), currency) if currency else None
    if not (is_money(paid) and currency and amount and at):
        return None
    key, processor = str(word(paid.get("external_id"))), str(word(paid.get("provider")))
    return PaymentFact(
        processor=processor.lower(),
        connection_id=connection.id,
        key=key,
        charge_key=key,
        amount=amount,
        currency=currency,
        status=PaymentStatus.SUCCEEDED,
        at=at,
        email=invitee.get("email"),
        name=invitee.get("name"),
        booked_event_id=event_id,
    )


def _currency(value: Any) -> str | None:
    try:
        return check_currency(word(value) or "")
    except InvalidInput:
        return None


def _amount(value: Any, currency: str) -> Decimal | None:
    """In major units, without the noise of a float; None for what is no amount of money."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value).strip())
        if not amount.is_finite() or not 0 < amount < MOST:
            return None
        return amount.quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_UP)
    except InvalidOperation:
        return None
