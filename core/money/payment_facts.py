"""What a processor's objects say together about one payment, its refunds and its disputes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from core.money.models import PaymentStatus

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
    connection_id: UUID | None
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
