"""What Stripe's objects say together about one payment.

Facts: Stripe API 2026-10-28.endive and the shapes of older versions; what each field is read for is
in FIELDS.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.deliveries.moments import Firsts, instant, written
from core.deliveries.objects import Name, Stored
from core.money.models import UNDONE, PaymentStatus
from core.money.payment_facts import DisputeFact, DisputeState, PaymentFact, RefundFact
from core.platform.money import from_minor, rounded
from core.providers.running_totals import SingleRefund, Total, only_in_totals
from core.providers.stripe.objects import (
    CHARGE_THEN,
    CUSTOMER_THEN,
    GIVEN_BACK,
    LOST,
    PAID,
    RECEIPT,
    SIGHT,
    as_of,
)
from core.providers.values import currency_code, first, identifier, mapping, moment, number, word

# Every state that Stripe publishes, as what it means here; an unknown one is shown as it is.
CHARGE_STATES = {
    "succeeded": PaymentStatus.SUCCEEDED,
    "pending": PaymentStatus.PENDING,
    "failed": PaymentStatus.FAILED,
}
INTENT_STATES = {
    "succeeded": PaymentStatus.SUCCEEDED,
    "canceled": PaymentStatus.CANCELED,
    **dict.fromkeys(
        [
            "processing",
            "requires_action",
            "requires_capture",
            "requires_confirmation",
            "requires_payment_method",
        ],
        PaymentStatus.PENDING,
    ),
}
DISPUTE_STATES = {
    "lost": DisputeState.LOST,
    # charge_refunded is of API versions before 2020; prevented ones never became a chargeback.
    **dict.fromkeys(["won", "warning_closed", "prevented", "charge_refunded"], DisputeState.OVER),
    **dict.fromkeys(
        [
            "needs_response",
            "under_review",
            "appeal_needs_response",
            "appeal_under_review",
            "warning_needs_response",
            "warning_under_review",
        ],
        DisputeState.OPEN,
    ),
}
RECORD = "payment_record"  # an invoice's payment that was made outside of Stripe
AT_ONCE = timedelta(days=1)  # what is reported within it belongs to the making of a payment
Data = dict[str, Any]


@dataclass(frozen=True)
class Money:
    """What was paid, in whole units, and how that stands. ``state`` is Stripe's own word where it
    has no meaning here.
    """

    amount: Decimal
    currency: str
    status: PaymentStatus
    at: datetime
    state: str | None = None


@dataclass
class Known:
    """The stored objects of one payment, by kind, in the order of their ids."""

    arrived: datetime
    firsts: Firsts
    by_kind: dict[str, list[Data]] = field(default_factory=dict)

    @classmethod
    def of(cls, objects: Sequence[Stored]) -> Known:
        known = cls(min(item.arrived_at for item in objects), Firsts(objects))
        for item in objects:
            known.by_kind.setdefault(item.kind, []).append(item.data)
        return known

    def all(self, kind: str) -> list[Data]:
        return self.by_kind.get(kind, [])

    def one(self, kind: str) -> Data:
        """The first of a kind of which there is one; an empty object if there is none."""
        return next(iter(self.all(kind)), {})

    @property
    def charge(self) -> Data:
        """Of several attempts the one that succeeded, else the latest."""
        return max(
            self.all("charge"),
            key=lambda data: (data.get("status") == "succeeded", str(data.get("created"))),
            default={},
        )


def payment_fact(
    payment: Name, objects: Sequence[Stored], connection_id: Any
) -> PaymentFact | None:
    """The payment that ``objects`` describe; None while no money is known of, or for nothing.
    Raises Unreadable for an amount that cannot be understood.
    """
    known = Known.of(objects)
    money = _outside_of_stripe(known) if payment[0] == "invoice" else _money(known)
    if money is None or not money.amount:
        return None
    charge = known.charge
    email, name = _customer(known, money.at)
    return PaymentFact(
        processor="stripe",
        connection_id=connection_id,
        key=payment[1],
        also_known_as=_charges(known),
        amount=money.amount,
        currency=money.currency,
        status=money.status,
        state=money.state,
        at=money.at,
        succeeded_at=_succeeded_at(known),
        charge_key=identifier(charge) or next(iter(_charges(known)), None),
        email=email,
        name=name,
        membership_key=_subscription(known),
        reported_disputed=bool(charge.get("disputed")),
        disputes=[_dispute(known, each, money) for each in known.all("dispute")],
        refunds=_refunds(known, money),
    )


def _succeeded_at(known: Known) -> datetime | None:
    """When the money came in, where Stripe's event of that is known."""
    keys = [identifier(each) for each in (known.charge, known.one("payment_intent")) if each]
    moments = [known.firsts.at(key, PAID) for key in keys]
    return min(filter(None, moments), default=None)


def _money(known: Known) -> Money | None:
    """A captured charge, else a succeeded payment intent, is cash; an authorisation is none."""
    charge, intent = known.charge, known.one("payment_intent")
    captured = _captured(charge)
    currency = currency_code(charge.get("currency")) or currency_code(intent.get("currency"))
    if currency is None:
        return None
    said = charge or intent
    at = first((moment(said.get("created")), as_of(said))) or known.arrived
    if captured:
        return Money(_major(captured, currency), currency, PaymentStatus.SUCCEEDED, at)
    if intent.get("status") == "succeeded":
        received = _minor(intent, "amount_received", "amount")
        at = as_of(intent) or at
        return Money(_major(received, currency), currency, PaymentStatus.SUCCEEDED, at)
    status, state = _unpaid(charge, intent)
    if status == PaymentStatus.CANCELED:
        at = first((moment(intent.get("canceled_at")), as_of(intent))) or at
    amount = _minor(charge, "amount") or _minor(intent, "amount")
    return Money(_major(amount, currency), currency, status, at, state)


def _captured(charge: Data) -> Decimal:
    """What was collected of a succeeded charge, in its smallest unit. Older API versions say only
    whether it was captured.
    """
    if charge.get("status") != "succeeded" or charge.get("captured") is False:
        return Decimal(0)
    return _minor(charge, "amount_captured", "amount")


def _unpaid(charge: Data, intent: Data) -> tuple[PaymentStatus, str | None]:
    said = first((word(intent.get("status")), word(charge.get("status"))))
    states = INTENT_STATES if word(intent.get("status")) else CHARGE_STATES
    status = states.get(said or "", PaymentStatus.PENDING)
    expired = bool(charge) and charge.get("status") == "succeeded" and _released(charge)
    if status == PaymentStatus.CANCELED or (expired and _given_back(charge) >= _released(charge)):
        return PaymentStatus.CANCELED, None
    if charge.get("status") == "failed" or intent.get("last_payment_error"):
        return PaymentStatus.FAILED, None
    # An authorised charge has succeeded, and is no cash all the same.
    return PaymentStatus.PENDING, None if said is None or said in states else said


def _outside_of_stripe(known: Known) -> Money | None:
    """What of a paid invoice was paid by bank transfer or in cash, so that no charge will come."""
    invoice = known.one("invoice")
    currency = currency_code(invoice.get("currency"))
    if currency is None or not (invoice.get("status") == "paid" or invoice.get("paid") is True):
        return None
    paid = [each for each in known.all("invoice_payment") if each.get("status") == "paid"]
    records = [each for each in paid if mapping(each.get("payment")).get("type") == RECORD]
    through_stripe = sum(_minor(each, "amount_paid") for each in paid if each not in records)
    outside = (
        number(invoice.get("amount_paid_off_stripe"), "amount_paid_off_stripe")
        or sum((_minor(each, "amount_paid") for each in records), Decimal(0))
        or _marked_as_paid(invoice) - through_stripe
    )
    at = first((moment(mapping(invoice.get("status_transitions")).get("paid_at")), as_of(invoice)))
    return (
        Money(_major(outside, currency), currency, PaymentStatus.SUCCEEDED, at or known.arrived)
        if outside > 0
        else None
    )


def _marked_as_paid(invoice: Data) -> Decimal:
    if invoice.get("paid_out_of_band") is not True:
        return Decimal(0)
    return _minor(invoice, "amount_paid") or _minor(invoice, "amount_due")


def _minor(data: Data, *names: str) -> Decimal:
    """The first of the fields that there is, in the smallest unit; without one nothing."""
    return first(number(data.get(name), name) for name in names) or Decimal(0)


def _major(units: Decimal, currency: str) -> Decimal:
    return rounded(from_minor(units, currency, "stripe"), currency)


def _charges(known: Known) -> tuple[str, ...]:
    """The ids of all charges of the payment, also of one that only other objects name."""
    named = [
        *known.all("charge"),
        *(each.get("latest_charge") for each in known.all("payment_intent")),
        *(each.get("charge") for kind in GIVEN_BACK for each in known.all(kind)),
    ]
    return tuple(sorted({key for each in named if (key := identifier(each))}))


def _customer(known: Known, paid_at: datetime) -> tuple[str | None, str | None]:
    """E-mail and name that the payment was made under, from the first object that has them; a
    payment intent's own is usually empty, and of a saved card only the customer has one.

    A customer's address is that of the time of the payment. A receipt that is sent to somebody
    else later says nothing of who paid, unless nothing else does.
    """
    charge, intent = known.charge, known.one("payment_intent")
    billing = mapping(charge.get("billing_details"))
    sessions, invoices = known.all("checkout.session"), known.all("invoice")
    details = [mapping(each.get("customer_details")) for each in sessions]
    customers = _customers_at(known, paid_at)
    receipt, late_receipt = _receipt(known, charge, paid_at)
    intents_receipt, intents_late_receipt = _receipt(known, intent, paid_at)
    emails = (
        billing.get("email"),
        receipt,
        *(each.get("email") for each in details),
        *(each.get("customer_email") for each in sessions),
        intents_receipt,
        *(each.get("customer_email") for each in invoices),
        *(each.get("email") for each in customers),
        late_receipt,
        intents_late_receipt,
    )
    names = (
        billing.get("name"),
        *(each.get("name") for each in details),
        *(each.get("customer_name") for each in invoices),
        *(each.get("name") for each in customers),
    )
    return first(map(word, emails)), first(map(word, names))


def _customers_at(known: Known, paid_at: datetime) -> list[Data]:
    """Each customer as it was when the payment was made, or as it was first seen after that; those
    of whom no dated state is known come last.
    """
    states: dict[str | None, list[Data]] = {}
    for state in sorted(known.all(CUSTOMER_THEN), key=_at):
        states.setdefault(identifier(state), []).append(state)
    then = [
        max(
            (each for each in theirs if _at(each) <= written(paid_at)),
            key=_at,
            default=theirs[0],
        )
        for theirs in states.values()
    ]
    return then + known.all("customer")


def _at(state: Data) -> str:
    return str(state["at"])


def _receipt(known: Known, money: Data, paid_at: datetime) -> tuple[Any, Any]:
    """The address of the receipt, and it again when it was first reported only long after the
    payment, which had been seen without it.
    """
    key = identifier(money)
    said = known.firsts.facts(key, RECEIPT)
    if said is None:
        return money.get("receipt_email"), None
    at, seen_at = (known.firsts.at(key, what) for what in (RECEIPT, SIGHT))
    email = said.get("email")
    is_late = at and seen_at and at > max(paid_at, seen_at) + AT_ONCE
    return (None, email) if is_late else (email, None)


def _subscription(known: Known) -> str | None:
    """The subscription of the paid invoice, wherever its API version says so."""
    return first(
        identifier(holder.get("subscription"))
        for invoice in known.all("invoice")
        for holder in (
            mapping(mapping(invoice.get("parent")).get("subscription_details")),
            invoice,
            *_lines(invoice),
        )
    )


def _lines(invoice: Data) -> Iterable[Data]:
    lines = mapping(invoice.get("lines")).get("data")
    for line in lines if isinstance(lines, list) else []:
        yield mapping(mapping(mapping(line).get("parent")).get("subscription_item_details"))
        yield mapping(line)


def _refunds(known: Known, money: Money) -> list[RefundFact]:
    """The refunds one by one; what the charge's running total knows beyond them counts until they
    arrive.
    """
    charge = known.charge
    rows = [row for row in known.all("refund") if not _is_release(row, charge)]
    refunds = [fact for row in rows if (fact := _refund(known, row, money))]
    if charge.get("status") != "succeeded":
        return refunds
    singles = [
        SingleRefund(
            _major(_minor(row, "amount"), money.currency),
            moment(row.get("created")),
            row.get("status") in UNDONE,
            as_of(row),
        )
        for row in rows
    ]
    return refunds + only_in_totals(_totals(known, charge, money), singles)


def _totals(known: Known, charge: Data, money: Money) -> list[Total]:
    """The charge's running total whenever it was reported, and at last as it is now."""
    seen, released = as_of(charge), _released(charge)
    states = [
        (at, state)
        for state in known.all(CHARGE_THEN)
        if identifier(state) == identifier(charge)
        and (at := instant(state["at"]))
        and seen is not None
        and at < seen
    ]
    states.sort(key=lambda each: each[0])
    return [
        Total(
            max(_major(_given_back(state) - released, money.currency), Decimal(0)),
            at,
            at or money.at,
        )
        for at, state in [*states, (seen, charge)]
    ]


def _refund(known: Known, row: Data, money: Money) -> RefundFact | None:
    amount = _minor(row, "amount")
    if not amount:
        return None
    return RefundFact(
        key=str(identifier(row)),
        amount=_major(amount, money.currency),
        status=word(row.get("status")) or "pending",
        at=first((moment(row.get("created")), as_of(row))) or known.arrived,
        reason=word(row.get("reason")),
    )


def _given_back(charge: Data) -> Decimal:
    return _minor(charge, "amount_refunded")


def _released(charge: Data) -> Decimal:
    """What was authorised and not captured. Stripe counts it as refunded, though it was never
    collected.
    """
    if charge.get("captured") is False:
        return _minor(charge, "amount")
    captured = number(charge.get("amount_captured"), "amount_captured")
    rest = _minor(charge, "amount") - captured if captured is not None else Decimal(0)
    return rest if 0 < rest <= _given_back(charge) else Decimal(0)


def _is_release(refund: Data, charge: Data) -> bool:
    """Whether a refund gives back what was never collected, so that no money has moved."""
    if refund.get("reason") == "expired_uncaptured_charge":
        return True
    released = _released(charge)
    unmoved = "balance_transaction" in refund and refund["balance_transaction"] is None
    if refund.get("status") != "succeeded":  # a refund that is pending has moved nothing either
        return False
    return unmoved and released > 0 and _minor(refund, "amount") == released


def _dispute(known: Known, dispute: Data, money: Money) -> DisputeFact:
    """A dispute is flagged while it runs and subtracted only when it is lost. One in another
    currency than the payment's has no amount that could be.
    """
    said = word(dispute.get("status"))
    state = DISPUTE_STATES.get(said or "", DisputeState.OPEN)
    same = (currency_code(dispute.get("currency")) or money.currency) == money.currency
    lost_at = known.firsts.at(identifier(dispute), LOST)
    made_at = first((moment(dispute.get("created")), as_of(dispute))) or known.arrived
    return DisputeFact(
        key=str(identifier(dispute)),
        amount=_major(_minor(dispute, "amount"), money.currency) if same else None,
        status=said,
        state=state,
        at=lost_at or made_at if state == DisputeState.LOST else made_at,
        reason=word(dispute.get("reason")),
    )
