"""Reading Whop's payloads: four generations, which differ in their fields, into one set of facts.
Amounts are whole units. What each field is read for is in FIELDS.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from core.deliveries.moments import First, instant, written
from core.money.models import UNDONE, RefundStatus
from core.platform.money import rounded
from core.providers.values import currency_code, first, identifier, mapping, moment, number, word

# How much a payment's shape knows, best last: the native form has an e-mail field, v5 has no e-mail
# at all.
GENERATIONS = ("v5", "v2", "legacy", "native")
WHO = ("email", "name")
UNUSABLE = "0:"  # the version of a state that lacks what matters
MADE, LOST, UNDONE_SINCE = "made", "lost", "undone"
# How far along a state is. It decides between states of one date, and older shapes have but the
# date at which a thing was made.
PROGRESS = {
    **dict.fromkeys(["under_review", "warning_under_review"], 1),
    **dict.fromkeys(["closed", "warning_closed"], 2),
    **dict.fromkeys(["won", "lost", "void", "uncollectible"], 3),
}
TOTAL = "total"  # what had been given back of a payment when it was reported
Data = dict[str, Any]


def generation_of(payload: Mapping[str, Any]) -> str:
    """Which of ``GENERATIONS`` a delivery speaks."""
    said = mapping(payload.get("data"))
    if payload.get("action"):
        return "v5" if payload.get("api_version") == "v5" else "v2"
    return "native" if "customer_email" in said or isinstance(said.get("total"), dict) else "legacy"


def account_of(payload: Mapping[str, Any]) -> str | None:
    """The Whop account (``biz_…``) that a delivery is about."""
    said = mapping(payload.get("data"))
    return first(
        identifier(holder.get(name))
        for holder, names in (
            (payload, ("account_id", "company_id")),
            (said, ("account_id", "company_id", "account", "company")),
        )
        for name in names
    )


def facts_in(
    kind: str, said: Mapping[str, Any], payload: Mapping[str, Any]
) -> Iterator[tuple[str, Data]]:
    """Kind and facts of every object of a delivery: older payments carry their refunds and disputes
    inside. Raises Unreadable for an amount that cannot be understood.
    """
    yield kind, as_stored(kind, said, payload)
    if kind != "payment":
        return
    for inner, name in (("refund", "refunds"), ("dispute", "disputes")):
        listed = said.get(name)
        for each in listed if isinstance(listed, list) else []:
            if identifier(each) and isinstance(each, dict):
                of = {name: said.get(name) for name in ("currency", "updated_at")}
                whole = of | {"payment_id": identifier(said)} | each
                yield inner, as_stored(inner, whole, payload)


def as_stored(kind: str, said: Mapping[str, Any], payload: Mapping[str, Any]) -> Data:
    """The facts of a payment, refund or dispute in one shape, money as text so that it stays exact
    in JSON. Of a date that is not there nothing is stored.
    """
    sent_at = payload.get("timestamp")
    money, currency = _amount(said)
    dated = (said.get("updated_at"), sent_at)
    facts = {
        "id": identifier(said),
        "payment_id": identifier(said.get("payment")) or identifier(said.get("payment_id")),
        "status": word(said.get("status")),
        "amount": money,
        "currency": currency,
        # When it was so; older shapes do not say it, and are put in order by what they do say.
        "seen_at": _iso(*dated),
        "updated_at": _iso(*dated, *map(said.get, ("refunded_at", "paid_at", "created_at"))),
    }
    if kind != "payment":
        reason = word(said.get("reason")) or word(said.get("failure_message"))
        return facts | {"at": _iso(said.get("created_at"), *dated), "reason": reason}
    dates = {"at": _iso(said.get("paid_at"), sent_at), "created_at": _iso(said.get("created_at"))}
    return facts | dates | _more(said)


def _more(said: Mapping[str, Any]) -> Data:
    """What only a payment says."""
    membership, user = said.get("membership"), mapping(said.get("user"))
    emails = (said.get("customer_email"), user.get("email"), mapping(membership).get("email"))
    _, currency = _amount(said)
    return {
        "substatus": word(said.get("substatus")),
        "refunded_amount": _money(said.get("refunded_amount"), currency, "refunded_amount"),
        "refunded_at": _iso(said.get("refunded_at")),
        "email": first(map(word, emails)),
        "name": word(user.get("name")),
        "membership_id": identifier(membership) or identifier(said.get("membership_id")),
        "package": word(mapping(said.get("product")).get("title")),
        "reason": word(said.get("failure_message")),
    }


def _amount(said: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """What the seller charged, and its currency."""
    names = ("total", "final_amount", "amount")
    name = next((name for name in names if said.get(name) is not None), "amount")
    currency = first(
        currency_code(holder.get(field))
        for holder, field in (
            (mapping(said.get(name)), "currency"),
            (said, "currency"),
            (mapping(said.get("plan")), "base_currency"),
            (mapping(said.get("payment")), "currency"),
        )
    )
    return _money(said.get(name), currency, name), currency


def _money(value: Any, currency: str | None, name: str) -> str | None:
    found = number(value.get("amount") if isinstance(value, dict) else value, name)
    if found is None:
        return None
    return f"{rounded(found, currency) if currency else found:f}"


def _iso(*values: Any) -> str | None:
    at = first(map(moment, values))
    return written(at) if at else None


def version_of(kind: str, stored: Mapping[str, Any]) -> str:
    """Orders the states of one object: what was paid stays paid, so a late ``payment.failed`` never
    undoes it, and of two states at one moment the one with more refunded is the newer, then the
    one that is further along. One that lacks its state or its money takes the place of none.
    """
    status = stored["status"]
    if status is None or (kind != "dispute" and stored["amount"] is None):
        return UNUSABLE
    if kind == "payment" and stored["currency"] is None:
        return UNUSABLE
    match kind:
        case "payment":
            rank = 2 if status == "paid" else 0
        case "refund":
            rank = 2 if status in UNDONE else 1 if status == RefundStatus.SUCCEEDED else 0
        case _:
            rank = 0
    refunded = Decimal(stored.get("refunded_amount") or 0)
    progress = PROGRESS.get(status, 0)
    return f"{rank}:{stored['updated_at'] or ''}:{refunded:019.3f}:{progress}"


def firsts_of(kind: str, generation: str, stored: Mapping[str, Any]) -> Iterator[First]:
    """What later deliveries must not change, and since when it is true: under which address and
    name a payment was made, as each generation says it, and when a payment, refund or dispute came
    to its state.
    """
    seen, made = instant(stored["updated_at"]), instant(stored["at"] or stored["updated_at"])
    reported = instant(stored["seen_at"])
    if kind != "payment":
        yield First(MADE, made)
        if stored["status"] == LOST:
            yield First(LOST, reported)
        if kind == "refund" and stored["status"] in UNDONE:
            yield First(UNDONE_SINCE, reported)
        return
    who = {name: stored[name] for name in WHO}
    for name in WHO:
        if who[name]:
            yield First(first_of(generation, name), seen or made, who)
    if since := instant(stored["at"]) or reported:
        yield First(stored["status"], since)


def first_of(generation: str, name: str) -> str:
    """The name of a generation's own first report of one of ``WHO``."""
    return f"{name} {generation}"
