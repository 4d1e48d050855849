"""What Whop's deliveries say together about one payment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.deliveries.moments import Firsts, instant, passing
from core.deliveries.objects import Stored
from core.money.models import UNDONE, PaymentStatus
from core.money.payment_facts import DisputeFact, DisputeState, PaymentFact, RefundFact
from core.platform.money import rounded
from core.providers.running_totals import SingleRefund, Total, only_in_totals
from core.providers.values import first
from core.providers.whop.payload import (
    GENERATIONS,
    LOST,
    MADE,
    TOTAL,
    UNDONE_SINCE,
    first_of,
)

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
# A refund and the payment's total are written one after the other, and v5 rounds to seconds.
MOMENT = timedelta(seconds=5)
EVER = datetime.min.replace(tzinfo=UTC)  # before every dated state
Data = dict[str, Any]


def payment_fact(
    connection_id: UUID | None, key: str, known: Sequence[Stored]
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
    firsts = Firsts(known)
    arrived = min(item.arrived_at for item in states)
    stated = map(instant, (best["at"], _fact(said, "at"), _fact(said, "created_at")))
    at = first((firsts.at(key, best["status"]), *stated)) or arrived
    return PaymentFact(
        processor="whop",
        connection_id=connection_id,
        key=key,
        amount=Decimal(money["amount"]),
        currency=currency,
        status=status,
        state=state,
        at=at,
        email=_who(firsts, key, "email") or _fact(said, "email"),
        name=_who(firsts, key, "name") or _fact(said, "name"),
        membership_key=_fact(said, "membership_id"),
        package_name=_fact(said, "package"),
        reported_disputed=_newest(said).get("substatus") in DISPUTED,
        disputes=[_dispute(item, currency, firsts) for item in known if item.kind == "dispute"],
        refunds=_refunds(known, said, currency, firsts, at),
    )


def _who(firsts: Firsts, key: str, name: str) -> str | None:
    """The address or the name under which a payment was made, as the best generation says it."""
    said = (firsts.facts(key, first_of(generation, name)) for generation in reversed(GENERATIONS))
    return first(each.get(name) for each in said if each)


def _place_among_states(item: Stored) -> tuple[str, int]:
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


def _dispute(item: Stored, currency: str, firsts: Firsts) -> DisputeFact:
    """A dispute is flagged while it runs and subtracted only when it is lost. One in another
    currency than the payment's has no amount that could be.
    """
    said, key = item.data, item.external_id
    same = said["currency"] in (currency, None)
    state = DISPUTE_STATES.get(said["status"] or "", DisputeState.OPEN)
    is_lost = state == DisputeState.LOST
    return DisputeFact(
        key=key,
        amount=rounded(Decimal(said["amount"]), currency) if same and said["amount"] else None,
        status=said["status"],
        state=state,
        at=firsts.at(key, LOST if is_lost else MADE) or item.arrived_at,
        reason=said["reason"],
    )


def _refunds(
    known: Sequence[Stored],
    said: Sequence[Data],
    currency: str,
    firsts: Firsts,
    paid_at: datetime,
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
            at=firsts.at(item.external_id, MADE) or instant(item.data["at"]) or item.arrived_at,
            reason=item.data["reason"],
        )
        for item in rows
    ]
    singles = [
        SingleRefund(
            refund.amount,
            (made := firsts.at(refund.key, MADE)) and made - MOMENT,
            item.data["status"] in UNDONE,
            (undone := firsts.at(refund.key, UNDONE_SINCE)) and undone + MOMENT,
        )
        for refund, item in zip(refunds, rows, strict=True)
    ]
    states = [*(item.data for item in known if item.kind == passing(TOTAL)), *said]
    return refunds + only_in_totals(_totals(states, currency, paid_at), singles)


def _totals(states: Sequence[Data], currency: str, paid_at: datetime) -> list[Total]:
    """The running total whenever it was reported, by the generations that say it. v5 does not say
    when: its date of the refund may be that of an earlier one.
    """
    totals = [
        (
            (dated := instant(each["updated_at"])) or EVER,
            Total(
                Decimal(each["refunded_amount"]),
                instant(each.get("seen_at")),
                first((instant(each.get("refunded_at")), dated)) or paid_at,
            ),
        )
        for each in states
        if each["refunded_amount"] and each["currency"] == currency
    ]
    return [
        total for _, total in sorted(totals, key=lambda each: (each[0], each[1].amount, each[1].at))
    ]
