"""What is known of Calendly's invitees and routing forms: the newest state of each, in our words.

Of an invitee one state is stored for each kind of delivery, and what is known is all of them
together: a state that leaves a field out does not take away what an earlier one says. So the
outcome depends neither on the order of the deliveries nor on which of them says less.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.deliveries.objects import Name, State, Stored, objects_named, objects_of, only
from core.people.erasure import is_pseudonym
from core.platform.normalization import fold
from core.providers.calendly.invitees import KEPT, is_canceled, read, reference
from core.providers.calendly.payments import is_money, money_key
from core.providers.values import mapping, moment, word

CALENDLY = "calendly"
INVITEE, CANCELLATION, NO_SHOW = "invitee", "cancellation", "no_show"
MARKED, FORM, PAYMENT = "marked_invitee", "routing_form", "payment"
REPLACED = "replaced_invitee"  # under the id of the invitee that replaces it
STATES = (INVITEE, CANCELLATION, MARKED)


def invitee_states(
    key: str, delivery: Mapping[str, Any], kind: str, arrived_at: datetime
) -> Iterator[State]:
    """What a delivery says of its invitee. A cancellation is final, so it outranks any other state.
    Money that was paid stays paid, whatever a later state says of it.
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
    yield State(kind, key, version, invitee, arrived_at, form)
    paid = mapping(invitee.get("payment"))
    if is_money(paid):
        yield State(PAYMENT, key, _sortable(at), paid, arrived_at, money_key(paid))
    if new := reference(invitee.get("new_invitee")):
        yield State(REPLACED, new, _sortable(at), {"id": key}, arrived_at)


def no_show_state(key: str, delivery: Mapping[str, Any], arrived_at: datetime) -> State:
    """Whether the invitee is marked as a no-show. Marks are apart from the invitee's states,
    because setting and removing one does not touch ``updated_at``.
    """
    invitee = mapping(delivery.get("payload"))
    happened_at = moment(delivery.get("created_at")) or moment(invitee.get("updated_at"))
    marked = mapping(invitee.get("no_show"))
    at = moment(marked.get("created_at")) or happened_at or moment(invitee.get("created_at"))
    removed = str(delivery.get("event")).endswith("deleted")
    data = {"at": None if removed or at is None else _sortable(at)}
    return State(NO_SHOW, key, _sortable(happened_at), data, arrived_at)


class Invitees:
    """What is known of invitees and of the routing forms that they came by."""

    def __init__(self, db: Session) -> None:
        self._db = db
        self._objects: dict[Name, Stored] = {}
        self._asked = set[str]()

    def load(self, keys: Iterable[str]) -> None:
        """Read what is stored of these invitees, at once, unless it was read before."""
        wanted = set(keys) - self._asked
        self._asked |= wanted
        names = [(kind, key) for key in wanted for kind in (*STATES, PAYMENT, REPLACED, NO_SHOW)]
        self._read(names)
        named = (
            reference(state.data.get("routing_form_submission"))
            for key in wanted
            for state in self._states(key)
        )
        self._read((FORM, form) for form in named if form)

    def _read(self, names: Iterable[Name]) -> None:
        found = objects_named(self._db, CALENDLY, names)
        self._objects |= {(item.kind, item.external_id): item for item in found}

    def known(self, key: str) -> dict[str, Any]:
        """Everything that is known of an invitee, see ``invitees.read``, and ``no_show_at``."""
        known: dict[str, Any] = {}
        for state in self._states(key):
            said = read(state.data)
            known |= said | _as_first_listed(said.get("hosts", []), known.get("hosts", []))
        known |= {"payment": self._data(PAYMENT, key) or known.get("payment")}
        if replaced := self._data(REPLACED, key):
            known.setdefault("replaces", replaced["id"])  # the old booking may be all that says so
        mark = self._data(NO_SHOW, key)
        return known | {"no_show_at": moment(mark.get("at")) if mark else None}

    def form(self, form: str | None) -> dict[str, Any]:
        """What is stored of a submission of a routing form by which a loaded invitee came."""
        return (self._data(FORM, form) if form else None) or {}

    def _states(self, key: str) -> list[Stored]:
        found = [each for kind in STATES if (each := self._objects.get((kind, key)))]
        return sorted(found, key=lambda each: (each.version, each.kind))

    def _data(self, kind: str, key: str) -> dict[str, Any] | None:
        found = self._objects.get((kind, key))
        return found.data if found else None


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


def invitees_with_money(db: Session, monies: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """By the money every invitee who names it, the first to book first: whoever moves a booking
    gets a new invitee, which names again what was paid with the old one.
    """
    naming = objects_of(db, CALENDLY, monies, [PAYMENT])
    invitees = Invitees(db)
    invitees.load(each.external_id for each in naming)
    found: dict[str, list[dict[str, Any]]] = {}
    for each in naming:
        known = invitees.known(each.external_id)
        if known.get("created_at") and known.get("starts_at"):
            found.setdefault(str(each.group_key), []).append(known)
    for named in found.values():
        named.sort(key=lambda known: (known["created_at"], known["id"]))
    return found


def invitees_of_forms(db: Session, forms: Collection[str]) -> dict[str, list[str]]:
    """By submission of a routing form the ids of the invitees who booked by way of it."""
    found: dict[str, list[str]] = {form: [] for form in forms}
    for each in objects_of(db, CALENDLY, forms, STATES):
        if each.external_id not in found[str(each.group_key)]:
            found[str(each.group_key)].append(each.external_id)
    return found


def _sortable(at: datetime | None) -> str:
    return at.isoformat(timespec="microseconds") if at else "0000"


def _without_number(invitee: dict[str, Any]) -> None:
    """Of somebody who was erased the number to ring is not stored again; it stands where no name
    of a field says whose it is.
    """
    place = mapping(mapping(invitee.get("scheduled_event")).get("location"))
    if place.get("type") == "outbound_call":
        place.pop("location", None)
