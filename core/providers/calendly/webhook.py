"""Calendly webhooks: booked, cancelled, moved, not shown, routed. Facts and traps: Calendly API v2,
webhook payloads.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.booking import Booking, Cancellation
from core.bookings.intake import record_bookings
from core.bookings.models import BookingSettings, Event
from core.bookings.roster import Host, setter_mentions
from core.deliveries.objects import State, remember
from core.people.actions import Person
from core.platform.advisory_locks import lock_books
from core.platform.normalization import fold
from core.providers.calendly.invitees import answers, invitee_id, reference, tracking
from core.providers.calendly.payments import money_key, record_booking_payment
from core.providers.calendly.states import (
    CALENDLY,
    CANCELLATION,
    FORM,
    INVITEE,
    MARKED,
    Invitees,
    invitee_states,
    invitees_of_forms,
    invitees_with_money,
    no_show_state,
)
from core.providers.provider import PROCESSED, Delivered, Outcome, not_about
from core.providers.signatures import BadSignature, check_timed_hex, sign_timed_hex
from core.providers.values import mapping, moment, word
from core.tenancy.organizations.queries import settings_of

# The kind of state that each delivery about an invitee brings.
INVITEE_EVENTS = {
    "invitee.created": INVITEE,
    "invitee.canceled": CANCELLATION,
    "invitee_no_show.created": MARKED,
    "invitee_no_show.deleted": MARKED,
}
ROUTING_FORM = "routing_form_submission.created"
NO_TIME = "it does not say when the meeting is; what it says counts when another delivery does"


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Raises BadSignature unless ``Calendly-Webhook-Signature`` fits; an unsigned request is
    refused.
    """
    header = headers.get("calendly-webhook-signature")
    if not header:
        raise BadSignature("no signature")
    check_timed_hex(header, body, secret, now)


def sign(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """The headers of a delivery as Calendly signs it."""
    return {"Calendly-Webhook-Signature": sign_timed_hex(body, secret, at)}


def delivery_key(headers: Mapping[str, str], body: bytes) -> str:
    """Calendly sends no delivery id; a retry repeats the body, so the body is the key."""
    return hashlib.sha256(body).hexdigest()


def event_type(payload: dict[str, Any]) -> str | None:
    """The envelope's ``event``; ``payload.event`` is something else, the meeting's address."""
    return word(mapping(payload).get("event"))


@dataclass(frozen=True)
class Report:
    """What a delivery says: states of the invitee ``key``, or of a routing form ``form``."""

    states: Sequence[State]
    key: str | None = None
    form: str | None = None
    starts_at: datetime | None = None


Numbered = Sequence[tuple[int, Report]]  # with the place of its delivery in the batch


def handle(db: Session, batch: Sequence[Delivered]) -> list[Outcome]:
    """Fold the deliveries into what is known of their invitees, and bring the events to it."""
    named_in = settings_of(db, BookingSettings)
    read = [_report(delivered, named_in) for delivered in batch]
    reports = [(n, each) for n, each in enumerate(read) if isinstance(each, Report)]
    outcomes = {n: each for n, each in enumerate(read) if isinstance(each, Outcome)}
    if reports:
        lock_books(db)
    for part in _parts(db, reports):
        outcomes |= _fold(db, batch, part, named_in)
    return [outcomes[n] for n in range(len(batch))]


def _parts(db: Session, reports: Numbered) -> list[list[tuple[int, Report]]]:
    """The reports, cut where one moves an invitee to another time after an earlier one of the part:
    the meeting of before may have been held or missed, and is an event by then.
    """
    named = Counter(each.key for _, each in reports if each.key)
    invitees = Invitees(db)
    invitees.load(key for key, times in named.items() if times > 1)
    starts = {key: invitees.known(key).get("starts_at") for key in named}
    parts: list[list[tuple[int, Report]]] = [[]]
    seen = set[str]()
    for number, each in reports:
        start = starts.get(each.key or "")
        if each.key in seen and each.starts_at and start and each.starts_at != start:
            parts.append([])
            seen.clear()
        parts[-1].append((number, each))
        if each.key:
            seen.add(each.key)
            starts[each.key] = each.starts_at or start
    return [part for part in parts if part]


def _fold(
    db: Session, batch: Sequence[Delivered], part: Numbered, named_in: BookingSettings
) -> dict[int, Outcome]:
    remember(db, CALENDLY, [state for _, each in part for state in each.states])
    of_forms = invitees_of_forms(db, [each.form for _, each in part if each.form])
    reported = {
        key: batch[number]
        for number, each in part
        for key in ([each.key] if each.key else of_forms[each.form or ""])
    }
    timed = _record(db, reported, named_in)
    _record_money(db, timed, reported, batch[part[-1][0]])
    no_time = Outcome(ignored=NO_TIME)
    return {
        number: no_time if each.key and each.key not in timed else PROCESSED
        for number, each in part
    }


def _report(delivered: Delivered, named_in: BookingSettings) -> Outcome | Report:
    payload, arrived = delivered.payload, delivered.arrived_at
    name, about = event_type(payload), mapping(payload.get("payload"))
    if name == ROUTING_FORM:
        return _routing_form(about, arrived, named_in)
    if name not in INVITEE_EVENTS:
        return not_about(name, "a booking")
    key = invitee_id(about)
    if key is None:
        return Outcome(ignored="it does not say whose booking it is about")
    states = list(invitee_states(key, payload, INVITEE_EVENTS[name], arrived))
    if INVITEE_EVENTS[name] == MARKED:
        states.append(no_show_state(key, payload, arrived))
    starts_at = moment(mapping(about.get("scheduled_event")).get("start_time"))
    return Report(states, key=key, starts_at=starts_at)


def _routing_form(
    submission: dict[str, Any], arrived: datetime, named_in: BookingSettings
) -> Outcome | Report:
    """A submission of a routing form says where the booking came from that follows it."""
    key = reference(submission.get("uri"))
    if key is None:
        return Outcome(ignored="it does not say which submission it is about")
    asked = named_in.setter_question
    given = answers(submission.get("questions_and_answers"))
    stored = {
        "tracking": tracking(submission.get("tracking")),
        "questions_and_answers": [
            each for each in given if asked and fold(each["question"]) == fold(asked)
        ],
    }
    version = moment(submission.get("updated_at")) or moment(submission.get("created_at"))
    written = version.isoformat() if version else ""
    return Report([State(FORM, key, written, stored, arrived)], form=key)


def _record(
    db: Session, reported: Mapping[str, Delivered], named_in: BookingSettings
) -> dict[str, tuple[dict[str, Any], Event]]:
    """Bring the events of the invitees who were reported, and of those who replace them, to what is
    known. Returns by invitee what is known and the event, of those whose meeting has a time.
    """
    invitees = Invitees(db)
    invitees.load(reported)
    arrived: dict[str, datetime] = {}
    for key, delivered in reported.items():
        for each in (key, invitees.known(key).get("replaced_by")):
            if each:
                arrived[each] = max(delivered.arrived_at, arrived.get(each, delivered.arrived_at))
    invitees.load(arrived)
    known = {
        key: said for key in arrived if (said := invitees.known(key)).get("starts_at") is not None
    }
    bookings = [
        _booking(said, invitees.form(said.get("form")), arrived[key], named_in)
        for key, said in known.items()
    ]
    events = record_bookings(db, bookings)
    return dict(zip(known, zip(known.values(), events, strict=True), strict=True))


def _record_money(
    db: Session,
    recorded: Mapping[str, tuple[dict[str, Any], Event]],
    reported: Mapping[str, Delivered],
    latest: Delivered,
) -> None:
    """Money is paid with the first booking that names it, on that booking's day and under its
    address, however often it is named again.
    """
    named = {
        money: reported.get(key, latest).connection
        for key, (known, _) in recorded.items()
        if (money := money_key(mapping(known.get("payment"))))
    }
    if not named:
        return
    naming = invitees_with_money(db, named)
    theirs = select(Event.external_id, Event.id).where(
        Event.booking_platform == CALENDLY,
        Event.external_id.in_([each["id"] for every in naming.values() for each in every]),
    )
    events = {key: event_id for key, event_id in db.execute(theirs)}  # noqa: C416 - rows, not pairs
    for money, invitees in naming.items():
        for first in [each for each in invitees if each["id"] in events][:1]:
            record_booking_payment(db, named[money], first, events[first["id"]])


def _booking(
    known: dict[str, Any],
    form: Mapping[str, Any],
    reported_at: datetime,
    named_in: BookingSettings,
) -> Booking:
    """What is known of an invitee as a booking. Where the link of the booking carried nothing, that
    of the routing form before it did.
    """
    utm = known.get("utm") or form.get("tracking") or {}
    given = [*known.get("answers", ()), *form.get("questions_and_answers", ())]
    return Booking(
        person=Person(known.get("name"), known.get("email"), known.get("phone")),
        scheduled_at=known["starts_at"],
        ends_at=known.get("ends_at"),
        booked_at=known.get("created_at") or known.get("updated_at") or known["starts_at"],
        hosts=[Host(**host) for host in known.get("hosts", ())],
        call_type=known.get("call_type"),
        call_type_uri=known.get("call_type_uri"),
        utm=utm,
        setter_mentions=setter_mentions(utm, given, named_in),
        answers=given,
        meeting_url=known.get("url"),
        platform=CALENDLY,
        external_id=known["id"],
        replaces_external_id=known.get("replaces"),
        external_meeting_id=known.get("meeting"),
        cancellation=_cancellation(known),
        no_show_at=known["no_show_at"],
        reported_at=reported_at,
    )


def _cancellation(known: dict[str, Any]) -> Cancellation | None:
    if not known.get("canceled"):
        return None
    return Cancellation(
        known.get("moved", False),
        known.get("canceled_at") or known.get("updated_at"),
        known.get("canceled_by"),
        known.get("canceled_party"),
        known.get("cancel_reason"),
    )
