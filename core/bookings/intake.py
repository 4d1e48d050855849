"""Bookings in: whatever a platform, a person or the demo says of one booked call becomes one event."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.models import CallStatus, CallType, Event, PostCallForm
from core.bookings.roster import Host, match_closer, match_setter
from core.bookings.status import settle_status
from core.people.actions import Person, find_or_make_contact, find_or_make_lead, match_source, match_traffic_type
from core.people.models import Lead
from core.people.timeline import note
from core.platform.locks import one_at_a_time
from core.platform.names import fold, normalize_email
from core.platform.queue import enqueue
from core.tenancy.models import Organization

CARRIED = (
    "booked_at", "contact_id", "lead_id", "setter_id", "setter_name", "source_id", "traffic_type_id",
    "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
)


@dataclass(frozen=True)
class Cancellation:
    """Why a booking no longer stands; ``moved`` when it was rescheduled rather than given up."""

    moved: bool
    at: datetime | None = None
    by: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Booking:
    """Everything known of one booked call. ``invitee_uuid`` is its natural key; None for a manual entry.

    ``setter_mentions`` are the texts that may name the setter, best first. ``previous_invitee_uuid`` is the booking
    that this one replaces.
    """

    person: Person
    scheduled_at: datetime
    booked_at: datetime
    ends_at: datetime | None = None
    hosts: Sequence[Host] = ()
    call_type: str | None = None
    call_type_uri: str | None = None
    utm: Mapping[str, str | None] = field(default_factory=dict)
    setter_mentions: Sequence[str] = ()
    answers: Sequence[Mapping[str, Any]] = ()
    meeting_url: str | None = None
    platform: str = "manual"
    event_uuid: str | None = None
    invitee_uuid: str | None = None
    previous_invitee_uuid: str | None = None
    cancellation: Cancellation | None = None
    no_show_at: datetime | None = None


def record_booking(db: Session, organization_id: UUID, booking: Booking) -> Event:
    """Make or update the event of ``booking``; repeating it changes nothing, and chains may arrive in any order.

    A reschedule is the same booking: the new event keeps the first one's booking time, setter and source.
    """
    one_at_a_time(db, organization_id, "bookings")
    home = db.get_one(Organization, organization_id)
    event = _event_of(db, organization_id, booking)
    _fill(db, event, booking, home)
    db.flush()
    _follow_chain(db, event)
    for link in (event, *_successors(db, event)):
        form = db.scalars(select(PostCallForm).where(PostCallForm.event_id == link.id)).first()
        settle_status(link, form, home.late_cancel_hours)
        db.flush()
        enqueue(db, "attribute_event", organization_id, once=f"attribute_event {link.id}", event_id=str(link.id))
    _name_lead_setters(db, event)
    _tell(db, event)
    return event


def _event_of(db: Session, organization_id: UUID, booking: Booking) -> Event:
    known = None
    if booking.invitee_uuid:
        known = db.scalars(select(Event).where(Event.calendly_invitee_uuid == booking.invitee_uuid)).first()
    if known is not None:
        return known
    event = Event(
        organization_id=organization_id, calendly_invitee_uuid=booking.invitee_uuid, booking_platform=booking.platform,
        scheduled_at=booking.scheduled_at, booked_at=booking.booked_at, provider_status=CallStatus.SCHEDULED,
    )
    db.add(event)
    return event


def _fill(db: Session, event: Event, booking: Booking, home: Organization) -> None:
    """The event's own facts, as if it had no predecessor."""
    event.calendly_event_uuid, event.previous_invitee_uuid = booking.event_uuid, booking.previous_invitee_uuid
    event.scheduled_at, event.ends_at, event.booked_at = booking.scheduled_at, booking.ends_at, booking.booked_at
    event.lead_name, event.lead_email, event.lead_phone = booking.person.name, booking.person.email, booking.person.phone
    event.lead_email_normalized = normalize_email(booking.person.email)
    event.answers = [dict(answer) for answer in booking.answers]
    event.meeting_url = booking.meeting_url
    for part in ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"):
        setattr(event, part, booking.utm.get(part))
    event.call_type_id = _call_type(db, event.organization_id, booking)
    event.source_id = match_source(db, booking.utm)
    event.traffic_type_id = match_traffic_type(db, booking.utm)
    _name_people(db, event, booking)
    contact = find_or_make_contact(db, event.organization_id, booking.person, home.region)
    if contact is not None:
        event.contact_id = contact.id
        event.lead_id = find_or_make_lead(
            db, contact, received_at=booking.booked_at, source_id=event.source_id, traffic_type_id=event.traffic_type_id
        ).id
    _fill_provider_state(event, booking)


def _name_people(db: Session, event: Event, booking: Booking) -> None:
    closer, credited = match_closer(db, booking.hosts)
    event.closer_id = closer.id if closer else None
    event.closer_name = closer.name if closer else None
    if closer is None and credited is not None:
        event.closer_name = credited.name or credited.email
    event.other_hosts = [vars(host) for host in booking.hosts if host is not credited]
    setters = ((mention, match_setter(db, mention)) for mention in booking.setter_mentions)
    mention, setter = next(((text, found) for text, found in setters if found), (None, None))
    event.setter_id = setter.id if setter else None
    event.setter_name = setter.name if setter else mention or next(iter(booking.setter_mentions), None)


def _call_type(db: Session, organization_id: UUID, booking: Booking) -> UUID | None:
    """By the platform's own id, then by name; a kind of call that is new to us is added to the list."""
    if not booking.call_type:
        return None
    kinds = list(db.scalars(select(CallType).order_by(CallType.name)))
    by_uri = (kind for kind in kinds if booking.call_type_uri and kind.calendly_event_type_uri == booking.call_type_uri)
    by_name = (kind for kind in kinds if fold(kind.name) == fold(booking.call_type))
    kind = next(by_uri, None) or next(by_name, None)
    if kind is None:
        kind = CallType(organization_id=organization_id, name=booking.call_type)
        db.add(kind)
    kind.calendly_event_type_uri = kind.calendly_event_type_uri or booking.call_type_uri
    db.flush()
    return kind.id


def _fill_provider_state(event: Event, booking: Booking) -> None:
    event.provider_no_show_at = booking.no_show_at
    gone = booking.cancellation
    if gone is None:
        event.provider_status = CallStatus.SCHEDULED
        return
    event.provider_status = CallStatus.RESCHEDULED if gone.moved else CallStatus.CANCELED
    event.canceled_at, event.canceled_by, event.cancel_reason = gone.at, gone.by, gone.reason


def _predecessor(db: Session, event: Event) -> Event | None:
    if not event.previous_invitee_uuid or event.previous_invitee_uuid == event.calendly_invitee_uuid:
        return None
    return db.scalars(select(Event).where(Event.calendly_invitee_uuid == event.previous_invitee_uuid)).first()


def _successors(db: Session, event: Event) -> list[Event]:
    """The bookings that replaced this one, nearest first; a chain that bites its own tail ends there."""
    chain = [event]
    while event.calendly_invitee_uuid:
        later = select(Event).where(Event.previous_invitee_uuid == event.calendly_invitee_uuid).order_by(Event.id)
        found = db.scalars(later).first()
        if found is None or found in chain:
            break
        chain.append(found)
        event = found
    return chain[1:]


def _follow_chain(db: Session, event: Event) -> None:
    """Join the event to what it replaces and to what replaced it, and hand the first booking's facts down."""
    first = event
    if (before := _predecessor(db, event)) is not None:
        first = before
    for link in (first, *_successors(db, first)):
        if (before := _predecessor(db, link)) is None:
            continue
        before.rescheduled_to_id, before.provider_status = link.id, CallStatus.RESCHEDULED
        for fact in CARRIED:
            setattr(link, fact, getattr(before, fact) or getattr(link, fact))
    db.flush()


def _name_lead_setters(db: Session, event: Event) -> None:
    """The inquiry's original setter is that of its first booking, the current one that of its latest."""
    if event.lead_id is None:
        return
    names = select(Event.setter_name).where(Event.lead_id == event.lead_id, Event.setter_name.is_not(None))
    lead = db.get_one(Lead, (event.organization_id, event.lead_id))
    lead.original_setter_name = db.scalars(names.order_by(Event.booked_at, Event.id).limit(1)).first()
    lead.current_setter_name = db.scalars(names.order_by(Event.booked_at.desc(), Event.id).limit(1)).first()


def _tell(db: Session, event: Event) -> None:
    sentence = {
        CallStatus.SCHEDULED: "Call booked", CallStatus.CANCELED: "Call cancelled", CallStatus.RESCHEDULED: "Call moved",
        CallStatus.NO_SHOW: "Lead did not show", CallStatus.COMPLETED: "Call took place",
    }[CallStatus(event.call_status)]
    note(
        db, event.organization_id, event.call_status, "event", event.id, sentence, contact_id=event.contact_id,
        at=event.canceled_at if event.call_status == CallStatus.CANCELED else event.booked_at,
        closer_user_id=event.closer_user_id, setter_user_id=event.setter_user_id,
        dedupe_key=f"event {event.id} {event.call_status}",
    )
