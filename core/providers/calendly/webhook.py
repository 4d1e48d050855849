"""Calendly webhooks: booked, cancelled, moved, not shown. Facts and traps: Calendly API v2, webhook
payloads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.intake import Booking, Cancellation, record_booking
from core.bookings.models import BookingSettings, UtmField
from core.bookings.roster import Host, setter_mentions
from core.deliveries.models import ProviderObject, WebhookConnection
from core.deliveries.objects import Kept, only, remember
from core.people.actions import Person
from core.platform.advisory_locks import advisory_lock
from core.providers.provider import PROCESSED, Outcome
from core.providers.signatures import BadSignature, check_timed_hex, sign_timed_hex
from core.tenancy.organizations.queries import settings_of

INVITEE_EVENTS = {
    "invitee.created",
    "invitee.canceled",
    "invitee_no_show.created",
    "invitee_no_show.deleted",
}
# What is read of an invitee, below; guests, payments and the platform's own notes are not stored.
KEPT: Kept = {
    **dict.fromkeys(
        (
            "uri",
            "name",
            "email",
            "text_reminder_number",
            "status",
            "created_at",
            "updated_at",
            "rescheduled",
            "old_invitee",
            "new_invitee",
            "tracking",
            "questions_and_answers",
        )
    ),
    "cancellation": dict.fromkeys(("created_at", "canceled_by", "reason")),
    "scheduled_event": {
        **dict.fromkeys(("uri", "name", "start_time", "end_time", "event_type")),
        "location": {"join_url": None},
        "event_memberships": dict.fromkeys(("user", "user_email", "user_name")),
    },
}


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
    name = payload.get("event")
    return name if isinstance(name, str) else None


def handle(db: Session, connection: WebhookConnection, payload: dict[str, Any]) -> Outcome:
    """Fold the delivery into what is known of its invitee, and bring the event to it.

    Created and cancelled both carry the whole invitee. A cancellation is final, so it outranks any
    ``created``; no-shows are stored apart, because setting and removing one does not touch the
    invitee's own ``updated_at``.
    """
    name = event_type(payload)
    if name not in INVITEE_EVENTS:
        return Outcome(ignored=f"“{name}” is not about a booking")
    invitee = payload["payload"]
    key = uuid_of(invitee["uri"])
    advisory_lock(db, "bookings")
    rank = "1" if invitee.get("status") == "canceled" else "0"
    version = rank + _moment(invitee["updated_at"]).isoformat(timespec="microseconds")
    remember(db, connection, "invitee", key, version, only(invitee, KEPT))
    if name.startswith("invitee_no_show"):
        marked = invitee.get("no_show") if name.endswith("created") else None
        happened_at = _moment(payload["created_at"]).isoformat(timespec="microseconds")
        remember(
            db, connection, "no_show", key, happened_at, {"at": marked and marked["created_at"]}
        )
    named_in = settings_of(db, BookingSettings)
    newest = _known(db, connection, "invitee", key)
    booking = _booking(newest, named_in, _no_show(db, connection, key))
    record_booking(db, booking)
    return PROCESSED


def uuid_of(uri: str) -> str:
    """The last segment of a Calendly address."""
    return uri.rstrip("/").rsplit("/", 1)[-1]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _known(db: Session, connection: WebhookConnection, kind: str, key: str) -> dict[str, Any]:
    state = select(ProviderObject.data).where(
        ProviderObject.connection_id == connection.id,
        ProviderObject.kind == kind,
        ProviderObject.external_id == key,
    )
    return db.scalars(state).first() or {}


def _no_show(db: Session, connection: WebhookConnection, key: str) -> datetime | None:
    at = _known(db, connection, "no_show", key).get("at")
    return _moment(at) if at else None


def _booking(
    invitee: dict[str, Any], named_in: BookingSettings, no_show_at: datetime | None
) -> Booking:
    """What an invitee says, in our words."""
    meeting, tracking = invitee["scheduled_event"], invitee.get("tracking") or {}
    answers = invitee.get("questions_and_answers") or []
    old = invitee.get("old_invitee")
    return Booking(
        person=Person(
            invitee.get("name"), invitee.get("email"), invitee.get("text_reminder_number")
        ),
        scheduled_at=_moment(meeting["start_time"]),
        ends_at=_moment(meeting["end_time"]) if meeting.get("end_time") else None,
        booked_at=_moment(invitee["created_at"]),
        hosts=[
            Host(member.get("user"), member.get("user_email"), member.get("user_name"))
            for member in meeting.get("event_memberships") or []
        ],
        call_type=meeting.get("name"),
        call_type_uri=meeting.get("event_type"),
        utm={part: tracking.get(part) for part in UtmField},
        setter_mentions=setter_mentions(tracking, answers, named_in),
        answers=answers,
        meeting_url=(meeting.get("location") or {}).get("join_url"),
        platform="calendly",
        external_id=uuid_of(invitee["uri"]),
        replaces_external_id=uuid_of(old) if old else None,
        external_meeting_id=uuid_of(meeting["uri"]),
        cancellation=_cancellation(invitee),
        no_show_at=no_show_at,
    )


def _cancellation(invitee: dict[str, Any]) -> Cancellation | None:
    if invitee.get("status") != "canceled":
        return None
    said = invitee.get("cancellation") or {}
    at = said.get("created_at") or invitee["updated_at"]
    moved = bool(invitee.get("rescheduled") or invitee.get("new_invitee"))
    return Cancellation(moved, _moment(at), said.get("canceled_by"), said.get("reason") or None)
