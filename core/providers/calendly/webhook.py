"""Calendly webhooks: booked, cancelled, moved, not shown, routed. Facts and traps: Calendly API v2,
webhook payloads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.booking import Booking, Cancellation
from core.bookings.intake import record_booking
from core.bookings.models import BookingSettings, Event
from core.bookings.roster import Host, setter_mentions
from core.deliveries.models import WebhookConnection
from core.deliveries.objects import State, remember
from core.people.actions import Person
from core.platform.advisory_locks import lock_books
from core.platform.normalization import fold
from core.providers.calendly.invitees import answers, invitee_id, reference, tracking
from core.providers.calendly.payments import record_booking_payment
from core.providers.calendly.states import (
    CANCELLATION,
    FORM,
    INVITEE,
    MARKED,
    invitees_of_form,
    invitees_with_money,
    known_form,
    known_invitee,
    remember_invitee,
    remember_no_show,
)
from core.providers.provider import PROCESSED, Outcome
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


def handle(db: Session, connection: WebhookConnection, payload: dict[str, Any]) -> Outcome:
    """Fold the delivery into what is known of its invitee, and bring the event to it."""
    name = event_type(payload)
    if name == ROUTING_FORM:
        return _route(db, connection, mapping(payload.get("payload")))
    if name not in INVITEE_EVENTS:
        return Outcome(ignored=f"“{name}” is not about a booking")
    key = invitee_id(mapping(payload.get("payload")))
    if key is None:
        return Outcome(ignored="it does not say whose booking it is about")
    lock_books(db)
    remember_invitee(db, connection, key, payload, INVITEE_EVENTS[name])
    if INVITEE_EVENTS[name] == MARKED:
        remember_no_show(db, connection, key, payload)
    outcome = _record(db, connection, key)
    if new := known_invitee(db, connection, key).get("replaced_by"):
        _record(db, connection, new)
    return outcome


def _route(db: Session, connection: WebhookConnection, submission: dict[str, Any]) -> Outcome:
    """A submission of a routing form says where the booking came from that follows it."""
    key = reference(submission.get("uri"))
    if key is None:
        return Outcome(ignored="it does not say which submission it is about")
    lock_books(db)
    asked = settings_of(db, BookingSettings).setter_question
    given = answers(submission.get("questions_and_answers"))
    stored = {
        "tracking": tracking(submission.get("tracking")),
        "questions_and_answers": [
            each for each in given if asked and fold(each["question"]) == fold(asked)
        ],
    }
    version = moment(submission.get("updated_at")) or moment(submission.get("created_at"))
    remember(db, connection, State(FORM, key, version.isoformat() if version else "", stored))
    for invitee in invitees_of_form(db, connection, key):
        _record(db, connection, invitee)
    return PROCESSED


def _record(db: Session, connection: WebhookConnection, key: str) -> Outcome:
    known = known_invitee(db, connection, key)
    if known.get("starts_at") is None:
        return Outcome(ignored=NO_TIME)
    form = known_form(db, connection, known["form"]) if known.get("form") else {}
    event = record_booking(db, _booking(known, form, settings_of(db, BookingSettings)))
    _record_money(db, connection, known, event)
    return PROCESSED


def _record_money(
    db: Session, connection: WebhookConnection, known: dict[str, Any], event: Event
) -> None:
    """Money is paid with the first booking that names it, on that booking's day and under its
    address, however often it is named again.
    """
    invitees = invitees_with_money(db, connection, known)
    theirs = select(Event.external_id, Event.id).where(
        Event.booking_platform == event.booking_platform,
        Event.external_id.in_([each["id"] for each in invitees]),
    )
    events = {key: event_id for key, event_id in db.execute(theirs)}  # noqa: C416 - rows, not pairs
    for first in [each for each in invitees if each["id"] in events][:1]:
        record_booking_payment(db, connection, first, events[first["id"]])


def _booking(known: dict[str, Any], form: Mapping[str, Any], named_in: BookingSettings) -> Booking:
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
        platform="calendly",
        external_id=known["id"],
        replaces_external_id=known.get("replaces"),
        external_meeting_id=known.get("meeting"),
        cancellation=_cancellation(known),
        no_show_at=known["no_show_at"],
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
