"""What is known of Calendly's invitees and routing forms: the newest state of each, in our words.

Of an invitee one state is stored for each kind of delivery, and what is known is all of them
together: a state that leaves a field out does not take away what an earlier one says. So the
outcome depends neither on the order of the deliveries nor on which of them says less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from core.deliveries.models import ProviderObject, WebhookConnection
from core.deliveries.objects import State, only, remember
from core.people.erasure import is_pseudonym
from core.platform.normalization import fold
from core.providers.calendly.invitees import KEPT, is_canceled, read, reference
from core.providers.calendly.payments import is_money, money_key
from core.providers.values import mapping, moment, word

INVITEE, CANCELLATION, NO_SHOW = "invitee", "cancellation", "no_show"
MARKED, FORM, PAYMENT = "marked_invitee", "routing_form", "payment"
REPLACED = "replaced_invitee"  # under the id of the invitee that replaces it
STATES = (INVITEE, CANCELLATION, MARKED)


def remember_invitee(
    db: Session,
    connection: WebhookConnection,
    key: str,
    delivery: Mapping[str, Any],
    kind: str,
) -> None:
    """Store what a delivery says of its invitee. A cancellation is final, so it outranks any other
    state. Money that was paid stays paid, whatever a later state says of it.
    """
    invitee = only(mapping(delivery.get("payload")), KEPT)
    if is_pseudonym(word(invitee.get("email"))):
        _without_number(invitee)
    kind = CANCELLATION if is_canceled(invitee) else kind
    if kind == CANCELLATION:
        invitee["status"] = "canceled"
    at = moment(invitee.get("updated_at")) or moment(delivery.get("created_at"))
    at = at or moment(invitee.get("created_at"))
    rank = 1 if kind == CANCELLATION else 0
    # of two states of one moment the one that says more counts
    version = f"{rank}{_sortable(at)} {len(read(invitee)):03}"
    form = reference(invitee.get("routing_form_submission"))
    remember(db, connection, State(kind, key, version, invitee, form))
    paid = mapping(invitee.get("payment"))
    if is_money(paid):
        money = money_key(paid)
        remember(db, connection, State(PAYMENT, key, _sortable(at), paid, money))
    if new := reference(invitee.get("new_invitee")):
        remember(db, connection, State(REPLACED, new, _sortable(at), {"id": key}))


def remember_no_show(
    db: Session, connection: WebhookConnection, key: str, delivery: Mapping[str, Any]
) -> None:
    """Store whether the invitee is marked as a no-show. Marks are apart from the invitee's states,
    because setting and removing one does not touch ``updated_at``.
    """
    invitee = mapping(delivery.get("payload"))
    happened_at = moment(delivery.get("created_at")) or moment(invitee.get("updated_at"))
    marked = mapping(invitee.get("no_show"))
    at = moment(marked.get("created_at")) or happened_at or moment(invitee.get("created_at"))
    removed = str(delivery.get("event")).endswith("deleted")
    data = {"at": None if removed or at is None else _sortable(at)}
    remember(db, connection, State(NO_SHOW, key, _sortable(happened_at), data))


def known_invitee(db: Session, connection: WebhookConnection, key: str) -> dict[str, Any]:
    """Everything that is known of an invitee, see ``invitees.read``, and ``no_show_at``."""
    known: dict[str, Any] = {}
    for state in _states(db, connection, ProviderObject.external_id == key):
        said = read(state)
        known |= said | _as_first_listed(said.get("hosts", []), known.get("hosts", []))
    known |= {"payment": next(iter(_objects(db, connection, PAYMENT, key)), known.get("payment"))}
    for replaced in _objects(db, connection, REPLACED, key):
        known.setdefault("replaces", replaced["id"])  # the old booking may be all that says so
    marks = _objects(db, connection, NO_SHOW, key)
    return known | {"no_show_at": moment(marks[0].get("at")) if marks else None}


def _as_first_listed(
    hosts: Sequence[dict[str, str | None]], before: Sequence[dict[str, str | None]]
) -> dict[str, Any]:
    """The hosts in the order in which the same ones were first listed, as the first is credited."""
    places = {_host_key(host): place for place, host in enumerate(before)}
    if set(places) != set(map(_host_key, hosts)):
        return {}
    return {"hosts": sorted(hosts, key=lambda host: places[_host_key(host)])}


def _host_key(host: Mapping[str, str | None]) -> str:
    return host["uri"] or fold(host["email"] or host["name"])


def invitees_with_money(
    db: Session, connection: WebhookConnection, invitee: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Every invitee who names the money that this one names, the first to book first: whoever moves
    a booking gets a new invitee, which names again what was paid with the old one.
    """
    money = money_key(mapping(invitee.get("payment")))
    if money is None:
        return []
    named = select(ProviderObject.external_id).where(
        _ours(connection), ProviderObject.kind == PAYMENT, ProviderObject.group_key == money
    )
    found = [known_invitee(db, connection, key) for key in db.scalars(named)]
    dated = [each for each in found if each.get("created_at") and each.get("starts_at")]
    return sorted(dated, key=lambda each: (each["created_at"], each["id"]))


def invitees_of_form(db: Session, connection: WebhookConnection, form: str) -> list[str]:
    """The ids of the invitees who booked by way of this submission of a routing form."""
    named = select(ProviderObject.external_id).where(
        _ours(connection), ProviderObject.kind.in_(STATES), ProviderObject.group_key == form
    )
    return sorted(set(db.scalars(named)))


def known_form(db: Session, connection: WebhookConnection, form: str) -> dict[str, Any]:
    """What is stored of a submission of a routing form."""
    return next(iter(_objects(db, connection, FORM, form)), {})


def _objects(
    db: Session, connection: WebhookConnection, kind: str, key: str
) -> list[dict[str, Any]]:
    named = and_(ProviderObject.kind == kind, ProviderObject.external_id == key)
    return list(db.scalars(select(ProviderObject.data).where(_ours(connection), named)))


def _states(
    db: Session, connection: WebhookConnection, which: ColumnElement[bool]
) -> list[dict[str, Any]]:
    found = select(ProviderObject).where(_ours(connection), ProviderObject.kind.in_(STATES), which)
    states = db.scalars(found.execution_options(populate_existing=True))
    return [state.data for state in sorted(states, key=lambda each: (each.version, each.kind))]


def _ours(connection: WebhookConnection) -> ColumnElement[bool]:
    return ProviderObject.provider == connection.provider


def _sortable(at: datetime | None) -> str:
    return at.isoformat(timespec="microseconds") if at else "0000"


def _without_number(invitee: dict[str, Any]) -> None:
    """Of somebody who was erased the number to ring is not stored again; it stands where no name
    of a field says whose it is.
    """
    place = mapping(mapping(invitee.get("scheduled_event")).get("location"))
    if place.get("type") == "outbound_call":
        place.pop("location", None)
