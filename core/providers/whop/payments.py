"""What Whop's deliveries say together about one payment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.deliveries.models import ProviderObject
from core.money.ledger import DisputeFact, DisputeState, PaymentFact, RefundFact
from core.money.models import PaymentStatus
from core.platform.money import rounded
from core.providers.values import first
from core.providers.whop.payload import GENERATIONS, UNDONE, instant

# Every state that Whop publishes, as what it means here; an unknown one is shown as it is.
STATES = {
    "paid": PaymentStatus.SUCCEEDED,
    "void": PaymentStatus.CANCELED,
    "uncollectible": PaymentStatus.FAILED,
    **dict.fromkeys(
        ["draft", "open", "authorized", "pending", "unresolved"], PaymentStatus.PENDING
    ),
}
DISPUTE_STATES = {
    "lost": DisputeState.LOST,
    **dict.fromkeys(["won", "closed", "warning_closed"], DisputeState.OVER),
    **dict.fromkeys(
        [
            "needs_response",
            "under_review",
            "warning_needs_response",
            "warning_under_review",
            "other",
        ],
        DisputeState.OPEN,
    ),
}
# A payment's own word for a dispute of which nothing else is known.
DISPUTED = frozenset(
    [
        "open_dispute",
        "dispute_needs_response",
        "dispute_under_review",
        "dispute_lost",
        "dispute_warning",
        "dispute_warning_needs_response",
        "dispute_warning_under_review",
    ]
)
Data = dict[str, Any]


def payment_fact(
    connection_id: UUID, key: str, known: Sequence[ProviderObject]
) -> PaymentFact | None:
    """The payment that all deliveries of one ``pay_…`` describe; None before any did, or for a zero
    amount.
    """
    states = sorted(
        (item for item in known if item.kind.startswith("payment ")), key=_place_among_states
    )
    said = [item.data for item in states]
    money = next((each for each in reversed(said) if each["amount"] and each["currency"]), None)
    if money is None or not Decimal(money["amount"]):
        return None
    best, currency = said[-1], money["currency"]
    status, state = _status(best)
    arrived = min(item.arrived_at for item in states)
    at = first((instant(best["at"]), instant(_fact(said, "at")))) or arrived
    return PaymentFact(
        processor="whop",
        connection_id=connection_id,
        key=key,
        amount=Decimal(money["amount"]),
        currency=currency,
        status=status,
        state=state,
        at=at,
        email=_fact(said, "email"),
        name=_fact(said, "name"),
        membership_key=_fact(said, "membership_id"),
        package_name=_fact(said, "package"),
        reported_disputed=_newest(said).get("substatus") in DISPUTED,
        disputes=[_dispute(item, currency) for item in known if item.kind == "dispute"],
        refunds=_refunds(known, said, currency, at),
    )


def _place_among_states(item: ProviderObject) -> tuple[str, int]:
    """What was paid is better than what was not, and among those the generation that knows most."""
    return item.version[0], GENERATIONS.index(item.kind.partition(" ")[2])


def _status(state: Data) -> tuple[PaymentStatus, str | None]:
    said = state["status"]
    status = STATES.get(said, PaymentStatus.PENDING)
    if status == PaymentStatus.PENDING and state.get("substatus") == "canceled":
        return PaymentStatus.CANCELED, None
    if status == PaymentStatus.PENDING and state["reason"]:
        return PaymentStatus.FAILED, None
    return status, None if said in STATES else said


def _fact(said: Sequence[Data], name: str) -> Any:
    """The best generation that knows it."""
    return first(each.get(name) for each in reversed(said))


def _newest(said: Sequence[Data]) -> Data:
    return max(said, key=lambda each: each["updated_at"] or "")


def _dispute(item: ProviderObject, currency: str) -> DisputeFact:
    """A dispute is flagged while it runs and subtracted only when it is lost. One in another
    currency than the payment's has no amount that could be.
    """
    said = item.data
    same = said["currency"] in (currency, None)
    state = DISPUTE_STATES.get(said["status"] or "", DisputeState.OPEN)
    made_at, seen_at = instant(said["at"]), instant(said["updated_at"])
    return DisputeFact(
        key=item.external_id,
        amount=rounded(Decimal(said["amount"]), currency) if same and said["amount"] else None,
        status=said["status"],
        state=state,
        at=first((seen_at, made_at) if state == DisputeState.LOST else (made_at, seen_at))
        or item.arrived_at,
        reason=said["reason"],
    )


def _refunds(
    known: Sequence[ProviderObject], said: Sequence[Data], currency: str, paid_at: datetime
) -> list[RefundFact]:
    """The refunds one by one; what the payment's running total knows beyond them counts until they
    arrive. A refund in another currency than the payment's is known by the total alone.
    """
    rows = [
        item
        for item in known
        if item.kind == "refund"
        and item.data["amount"]
        and item.data["currency"] in (currency, None)
    ]
    refunds = [
        RefundFact(
            key=item.external_id,
            amount=rounded(Decimal(item.data["amount"]), currency),
            status=item.data["status"] or "pending",
            at=first((instant(item.data["at"]), instant(item.data["updated_at"])))
            or item.arrived_at,
            reason=item.data["reason"],
        )
        for item in rows
    ]
    totals = [each for each in said if each["refunded_amount"] and each["currency"] == currency]
    if not totals:
        return refunds
    total = max(
        totals, key=lambda each: (each["updated_at"] or "", Decimal(each["refunded_amount"]))
    )
    inside = (Decimal(item.data["amount"]) for item in rows if _in_total(item.data, total))
    beyond = Decimal(total["refunded_amount"]) - sum(inside, Decimal(0))
    if beyond > 0:
        seen_at = first((instant(total.get("refunded_at")), instant(total["updated_at"])))
        refunds.append(
            RefundFact(
                key="running total",
                amount=beyond,
                status="succeeded",
                at=seen_at or paid_at,
                is_remainder=True,
            )
        )
    return refunds


def _in_total(refund: Data, total: Data) -> bool:
    """Whether the payment's running total, as it was last seen, holds the refund: it was made
    before and had not failed by then.
    """
    seen, made, state = total["updated_at"], refund["at"], refund["updated_at"]
    if seen is None:
        return True
    if made is not None and made > seen:
        return False
    return refund["status"] not in UNDONE or state is None or state >= seen
