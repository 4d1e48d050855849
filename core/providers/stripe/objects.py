"""Stripe's objects: what is stored of each, which other objects it refers to, and which of its
states is newer.

An object is found wherever an event contains it. Older API versions and expanded references bring a
charge inside its payment intent, or a customer inside a charge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from core.deliveries.moments import First, passing
from core.deliveries.objects import Kept, Name, linked, only
from core.money.models import UNDONE
from core.providers.values import identifier, mapping, moment, word

REFERENCE: dict[str, Any] = {"id": None}
WHO: dict[str, Any] = {"email": None, "name": None}
SUBSCRIPTION: dict[str, Any] = {"subscription": REFERENCE}
PAID_AT: Kept = {"paid_at": None}
# What is read of each kind; the rest, cards, addresses and notes included, is not stored. FIELDS.md
# says of each field why.
KEPT: Mapping[str, Kept] = {
    "payment_intent": {
        **dict.fromkeys(
            ["id", "status", "currency", "created", "amount", "amount_received", "canceled_at"]
        ),
        "receipt_email": None,
        "customer": REFERENCE,
        "latest_charge": REFERENCE,
        "invoice": REFERENCE,
        "payment_details": {"order_reference": None},
        "last_payment_error": {"type": None, "code": None},
    },
    "charge": {
        **dict.fromkeys(
            ["id", "status", "currency", "created", "amount", "amount_captured", "captured"]
        ),
        **dict.fromkeys(["amount_refunded", "disputed", "receipt_email"]),
        "billing_details": WHO,
        "payment_intent": REFERENCE,
        "customer": REFERENCE,
        "invoice": REFERENCE,
    },
    "refund": {
        **dict.fromkeys(["id", "status", "currency", "created", "amount", "reason"]),
        "charge": REFERENCE,
        "payment_intent": REFERENCE,
        "balance_transaction": REFERENCE,
    },
    "dispute": {
        **dict.fromkeys(["id", "status", "currency", "created", "amount", "reason"]),
        "charge": REFERENCE,
        "payment_intent": REFERENCE,
    },
    "checkout.session": {
        "id": None,
        "customer_email": None,
        "customer_details": WHO,
        "payment_intent": REFERENCE,
        "invoice": REFERENCE,
        "customer": REFERENCE,
    },
    "invoice": {
        **dict.fromkeys(
            ["id", "status", "paid", "currency", "created", "amount_paid", "amount_due"]
        ),
        **dict.fromkeys(["amount_paid_off_stripe", "paid_out_of_band"]),
        **dict.fromkeys(["customer_email", "customer_name"]),
        "status_transitions": PAID_AT,
        "customer": REFERENCE,
        "subscription": REFERENCE,
        "payment_intent": REFERENCE,
        "charge": REFERENCE,
        "parent": {"subscription_details": SUBSCRIPTION},
        "lines": {
            "data": SUBSCRIPTION | {"parent": {"subscription_item_details": SUBSCRIPTION}},
        },
    },
    "invoice_payment": {
        **dict.fromkeys(["id", "status", "currency", "amount_paid"]),
        "invoice": REFERENCE,
        "payment": {"type": None, "payment_intent": REFERENCE, "charge": REFERENCE},
    },
    "customer": {"id": None} | WHO,
}
PAPERS = ("checkout.session", "invoice", "invoice_payment")  # they describe money and are none
MONEY = ("payment_intent", "charge")
GIVEN_BACK = ("refund", "dispute")
PROGRESS = {"succeeded": 2, "failed": 3, "canceled": 3, "won": 3, "lost": 3, "paid": 2}
UNUSABLE = "0"  # the version of a state that lacks what matters
LOST, RECEIPT, SIGHT, PAID = FIRSTS = ("lost", "receipt", "seen", "paid")
# The events that Stripe sends when money comes in; later ones say that it has come in, too.
PAYING = ("charge.succeeded", "charge.captured", "payment_intent.succeeded")
# Of these it counts how they were at a time: a charge's total of refunds, a customer's address.
PASSING = CHARGE_THEN, CUSTOMER_THEN = (passing("charge"), passing("customer"))
# The earliest of several equal states is wanted where a state never changes again.
LATEST_SECOND = 10**12 - 1
K = TypeVar("K", int, Name)


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object that is read here, at any depth of an event's object. A customer without an
    address, as a deleted one is, has nothing to say.
    """
    if isinstance(value, dict):
        if _is_read(value):
            yield value
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from objects_in(part)


def _is_read(value: dict[str, Any]) -> bool:
    kind = value.get("object")
    if not isinstance(kind, str) or kind not in KEPT or identifier(value) is None:
        return False
    return kind != "customer" or word(value.get("email")) is not None


def targets_of(kind: str, stripe_object: Mapping[str, Any]) -> list[Name]:
    """The objects that this one refers to or lists. What is listed need not say by itself to what
    it belongs.
    """
    order = word(mapping(stripe_object.get("payment_details")).get("order_reference"))
    pays = mapping(stripe_object.get("payment"))
    references = {
        "payment_intent": (stripe_object.get("payment_intent"), pays.get("payment_intent")),
        "charge": (
            stripe_object.get("charge"),
            stripe_object.get("latest_charge"),
            pays.get("charge"),
        ),
        # Billing writes the invoice there since invoices name no payment intent any more; for
        # other payments it is a text of the seller's own.
        "invoice": (stripe_object.get("invoice"), order if (order or "")[:3] == "in_" else None),
        "customer": (stripe_object.get("customer"),),
    }
    return [
        (target, found)
        for target, values in references.items()
        for value in values
        if (found := identifier(value)) and target != kind
    ] + list(_listed_in(stripe_object))


def _listed_in(stripe_object: Mapping[str, Any]) -> Iterator[Name]:
    for value in stripe_object.values():
        listed = mapping(value).get("data")
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and _is_read(each):
                yield each["object"], str(identifier(each))


def version_of(kind: str, stripe_object: Mapping[str, Any], at: int) -> str:
    """Orders the states of one object by the second of the event, then by how far along they are.
    A succeeded payment intent and an undone refund stay so, and say since when. One that lacks its
    state or its money takes the place of none.
    """
    status = word(stripe_object.get("status")) or ""
    if kind in (*MONEY, *GIVEN_BACK) and not _is_complete(stripe_object):
        return UNUSABLE
    if kind == "payment_intent":
        return _final_first({"succeeded": 2, "canceled": 1}.get(status, 0), at)
    if kind == "refund":
        return _final_first(3 if status in UNDONE else 2 if status == "succeeded" else 1, at)
    sums = (stripe_object.get("amount_captured"), stripe_object.get("amount_refunded"))
    totals = ":".join(f"{_whole(value):015d}" for value in sums)
    return f"{at:012d}:{PROGRESS.get(status, 1)}:{totals}"


def _is_complete(stripe_object: Mapping[str, Any]) -> bool:
    sums = (stripe_object.get(f"amount{which}") for which in ("", "_captured", "_received"))
    return all(word(stripe_object.get(name)) for name in ("status", "currency")) and any(
        isinstance(value, int | float | str) and value != "" for value in sums
    )


def _final_first(rank: int, at: int) -> str:
    return f"{rank}:{LATEST_SECOND - at if rank > 1 and at else at:012d}"


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**15 else 0


def firsts_of(
    event_type: str | None, kind: str, stripe_object: Mapping[str, Any], at: datetime
) -> Iterator[First]:
    """What is true since the event that first reported it: the loss of a dispute, that there is a
    payment, that its money has come in, and the address of its receipt, which can be changed for
    as long as the charge is stored.
    """
    if kind == "dispute" and stripe_object.get("status") == "lost":
        yield First(LOST, at)
    if kind not in MONEY:
        return
    yield First(SIGHT, at)
    if receipt := word(stripe_object.get("receipt_email")):
        yield First(RECEIPT, at, {"email": receipt})
    is_cash = stripe_object.get("status") == "succeeded" and stripe_object.get("captured", True)
    if event_type in PAYING and is_cash:
        yield First(PAID, at)


def passing_facts(kind: str, stripe_object: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is stored of an object for every moment at which it was reported, see ``PASSING``."""
    if kind == "charge" and _whole(total := stripe_object.get("amount_refunded")):
        return {"id": identifier(stripe_object), "amount_refunded": total}
    if kind == "customer":
        return only(stripe_object, KEPT[kind])
    return None


def as_of(data: Mapping[str, Any]) -> datetime | None:
    """When an object was in its stored state."""
    return moment(data.get("as_of"))


def payments_about(db: Session, names: Mapping[K, Collection[Name]]) -> dict[K, list[Name]]:
    """By key the payment intents, charges without one, and invoices that may look different when
    the named objects do.
    """
    reached = {key: set(each) for key, each in names.items()}
    _reach(db, reached, ["customer"], (*MONEY, *PAPERS))
    _reach(db, reached, GIVEN_BACK, MONEY)
    for _ in range(2):  # a session names an invoice, which an invoice payment pays
        _reach(db, reached, PAPERS, (*PAPERS, *MONEY))
    _reach(db, reached, ["charge"], ["payment_intent"])
    every = set().union(*reached.values())
    of_intents = linked(db, "stripe", _of(every, ["payment_intent"]), ["charge"])
    return {key: _payments_in(each, of_intents) for key, each in reached.items()}


def _payments_in(reached: set[Name], of_intents: Mapping[Name, set[Name]]) -> list[Name]:
    intents = _of(reached, ["payment_intent"])
    alone = _of(reached, ["charge"]).difference(*(of_intents.get(each, ()) for each in intents))
    return sorted(intents | alone | _of(reached, ["invoice"]))


def names_about(db: Session, payments: Collection[Name]) -> dict[Name, set[Name]]:
    """Of each payment everything that says something of it, itself included."""
    core = {payment: {payment} for payment in payments}
    _reach(db, core, MONEY, MONEY)
    papers = {payment: _of(names, PAPERS) for payment, names in core.items()}
    for payment, found in _reached(db, core, PAPERS).items():
        papers[payment] |= found
    for _ in range(2):
        _reach(db, papers, PAPERS, PAPERS)
    about = {payment: core[payment] | papers[payment] for payment in core}
    customers, given_back = _reached(db, about, ["customer"]), _reached(db, core, GIVEN_BACK)
    return {
        payment: names | customers[payment] | given_back[payment]
        for payment, names in about.items()
    }


def _reach(
    db: Session, names: Mapping[K, set[Name]], of: Collection[str], kinds: Collection[str]
) -> None:
    """Add to each of the sets what the objects of the kinds ``of`` in it are linked with."""
    within = {key: _of(each, of) for key, each in names.items()}
    for key, found in _reached(db, within, kinds).items():
        names[key].update(found)


def _reached(
    db: Session, names: Mapping[K, Collection[Name]], kinds: Collection[str]
) -> dict[K, set[Name]]:
    """For each of the sets the objects of ``kinds`` that those in it are linked with."""
    links = linked(db, "stripe", set().union(*names.values()), kinds)
    return {
        key: set().union(*(links.get(each, ()) for each in names_of))
        for key, names_of in names.items()
    }


def _of(names: Iterable[Name], kinds: Collection[str]) -> set[Name]:
    return {name for name in names if name[0] in kinds}
