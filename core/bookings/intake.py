"""Intake of bookings: what a platform, a person or the demo reports about one booked meeting
becomes one event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from core.bookings.booking import Booking, Cancellation
from core.bookings.models import (
    BookingSettings,
    CallStatus,
    CallType,
    Closer,
    Event,
    PostCallForm,
    UtmField,
)
from core.bookings.reassignment import rematch_names
from core.bookings.roster import (
    Host,
    digest_of,
    hosts_digest,
    is_known_as,
    match_closer,
    match_setter,
    may_be,
)
from core.bookings.status import settle_status
from core.bookings.tasks import attribute_event
from core.deliveries.reading import arrived_at
from core.people.actions import (
    find_or_make_contact,
    find_or_make_lead,
    match_source,
    match_traffic_type,
)
from core.people.models import Lead
from core.people.timeline import note
from core.platform.advisory_locks import lock_books
from core.platform.database import organization_id_of
from core.platform.normalization import fold, normalize_email
from core.tenancy.organizations.queries import current_organization, settings_of

# What a booking takes from the one that it replaces, also where that has nothing: whom nobody set
# at first has no setter later, however the lead came to move it.
CARRIED = (
    "booked_at",
    "setter_id",
    "setter_name",
    "source_id",
    "traffic_type_id",
    *UtmField,
)
# These it takes where they are known.
CARRIED_IF_KNOWN = ("contact_id", "lead_id")

# By these a booking says whose it is.
WHOSE = ("booking_platform", "host_uri", "host_email", "closer_id", "closer_name", "closer_by_name")


def record_booking(db: Session, booking: Booking) -> Event:
    """Make or update the event of ``booking``; repeating it changes nothing, and chains may arrive
    in any order.

    A rescheduled booking keeps the first one's booking time, setter and source. People and source
    are matched once for what the platform says of them: what a person or a rule has settled since
    stays, until the platform itself says something else.
    """
    lock_books(db)
    late_hours = settings_of(db, BookingSettings).late_cancel_hours
    event = _event_of(db, booking)  # locked before its form is read: somebody may be filing it
    form = _form_of(db, event) if event.id else None
    if event.id and _is_another_meeting(db, event, form, booking):
        event, form = _another_meeting(db, event), None
    elif form is not None:
        booking = _at_time_of(event, booking)
    elif _is_back(db, event, booking):
        booking = _called_off(db, event, booking)
    booking = _without_mark_of_another(db, event, booking)
    facts = _facts(db, event, booking)
    with (
        db.no_autoflush
    ):  # one write for all of it: each write of an event is a line in the audit log
        for name, value in facts.items():
            setattr(event, name, value)
        _fill_provider_state(event, booking)
        settle_status(event, form, late_hours)
    db.add(event)
    db.flush()
    for link in _follow_chain(db, event):
        settle_status(link, form if link is event else _form_of(db, link), late_hours)
        db.flush()
        attribute_event.later(db, link.id)
    if _is_first_of_host(db, event):
        rematch_names(db)
    _name_lead_setters(db, event)
    _tell(db, event)
    return event


def _form_of(db: Session, event: Event) -> PostCallForm | None:
    return db.scalars(select(PostCallForm).where(PostCallForm.event_id == event.id)).first()


def _event_of(db: Session, booking: Booking) -> Event:
    known = _known(db, booking.platform, booking.external_id)
    if known is not None:
        return known
    return Event(
        organization_id=organization_id_of(db),
        booking_platform=booking.platform,
        external_id=booking.external_id,
        scheduled_at=booking.scheduled_at,
        booked_at=booking.booked_at,
        provider_status=CallStatus.SCHEDULED,
    )


def _is_another_meeting(
    db: Session, event: Event, form: PostCallForm | None, booking: Booking
) -> bool:
    """Whether the platform has moved the booking under its id to a time that is not of the meeting
    which was held or missed: of which its form cannot speak, nor the platform's no-show, or which
    is still to come when the old one has passed.
    """
    if booking.scheduled_at == event.scheduled_at:
        return False
    known_at = form.submitted_at if form is not None else event.provider_no_show_at
    if known_at is not None:
        return booking.scheduled_at > known_at
    return event.scheduled_at <= arrived_at(db) < booking.scheduled_at


def _another_meeting(db: Session, first: Event) -> Event:
    """The event of a booking that was moved under its id after its meeting. What is known of that
    stays, or is still to be reported, and it leaves the id to the meeting that replaces it.
    """
    external_id, at = first.external_id, arrived_at(db)
    first.external_id = _given_up(external_id, first)
    first.canceled_at = first.canceled_at or at
    db.flush()
    note(
        db,
        CallStatus.RESCHEDULED,
        "event",
        first.id,
        "Booking moved after this meeting, which stays what it was",
        contact_id=first.contact_id,
        at=at,
    )
    return Event(
        organization_id=first.organization_id,
        booking_platform=first.booking_platform,
        external_id=external_id,
        replaces_external_id=first.external_id,
    )


def _without_mark_of_another(db: Session, event: Event, booking: Booking) -> Booking:
    """A platform that moves a booking under its id may go on reporting the no-show of the time
    before.
    """
    before = _predecessor(db, event) if booking.no_show_at else None
    is_of_it = (
        before is not None
        and before.external_id == _given_up(event.external_id, before)
        and before.provider_no_show_at == booking.no_show_at
    )
    return replace(booking, no_show_at=None) if is_of_it else booking


def _given_up(external_id: str | None, event: Event) -> str:
    """The id by which the event goes on once its own is another's."""
    return f"{external_id} {event.id}"


def _is_back(db: Session, event: Event, booking: Booking) -> bool:
    """Whether the platform has moved the booking back to the time that was reported on."""
    before = _predecessor(db, event)
    return (
        before is not None
        and before.external_id == _given_up(event.external_id, before)
        and before.scheduled_at == booking.scheduled_at
    )


def _called_off(db: Session, event: Event, booking: Booking) -> Booking:
    moved = Cancellation(moved=True, at=event.canceled_at)
    return _at_time_of(event, replace(booking, cancellation=moved))


def _at_time_of(event: Event, booking: Booking) -> Booking:
    return replace(booking, scheduled_at=event.scheduled_at, ends_at=event.ends_at)


def _known(db: Session, platform: str, external_id: str | None) -> Event | None:
    """The event of a booking, locked until the transaction ends."""
    if external_id is None:
        return None
    named = select(Event).where(
        Event.booking_platform == platform, Event.external_id == external_id
    )
    return db.scalars(_locked(named)).first()


def _locked(events: Select[Event]) -> Select[Event]:
    return events.with_for_update().execution_options(populate_existing=True)


def _facts(db: Session, event: Event, booking: Booking) -> dict[str, Any]:
    """What the booking says of its event, column by column, as if it had no predecessor."""
    origin = _origin(db, event, booking)
    contact = find_or_make_contact(db, booking.person, current_organization(db).region)
    lead = contact and find_or_make_lead(
        db,
        contact,
        received_at=booking.booked_at,
        source_id=origin.get("source_id", event.source_id),
        traffic_type_id=origin.get("traffic_type_id", event.traffic_type_id),
    )
    known = {"contact_id": contact.id, "lead_id": lead.id} if contact and lead else {}
    return (
        known
        | origin
        | _closer(db, event, booking)
        | {
            "external_meeting_id": booking.external_meeting_id,
            "replaces_external_id": _replaced(event, booking),
            "scheduled_at": booking.scheduled_at,
            "ends_at": booking.ends_at,
            "booked_at": booking.booked_at,
            "made_at": _made_at(booking),
            "lead_name": booking.person.name,
            "lead_email": booking.person.email,
            "lead_phone": booking.person.phone,
            "lead_email_normalized": normalize_email(booking.person.email),
            "answers": [dict(answer) for answer in booking.answers],
            "meeting_url": booking.meeting_url,
            "call_type_id": _call_type(db, booking),
        }
    )


def _made_at(booking: Booking) -> datetime | None:
    """A booking is made before its meeting. Another time says nothing: a platform that does not
    know when it was made may give the meeting's.
    """
    return booking.booked_at if booking.booked_at < booking.scheduled_at else None


def _replaced(event: Event, booking: Booking) -> str | None:
    """The booking that it replaces; what it replaced under its own id is known here alone."""
    named = booking.replaces_external_id
    return named if named not in (None, booking.external_id) else event.replaces_external_id


def _closer(db: Session, event: Event, booking: Booking) -> dict[str, Any]:
    """Who holds the meeting. A closer stays while the hosts are the same; a host whom nobody knew
    may have become a closer since.
    """
    digest = hosts_digest(booking.hosts)
    if event.closer_id is not None and (
        event.hosts_digest == digest
        or (event.hosts_digest is None and _is_among(db, event, booking.hosts))
    ):
        return {"hosts_digest": digest}
    closer, credited = match_closer(db, booking.platform, booking.hosts)
    unknown_host = (credited.name or credited.email) if credited else None
    return {
        "hosts_digest": digest,
        "closer_id": closer.id if closer else None,
        "closer_by_name": (
            closer is not None
            and credited is not None
            and not is_known_as(closer, booking.platform, credited)
        ),
        "closer_name": closer.name if closer else unknown_host,
        "host_uri": credited and credited.uri,
        "host_email": credited and credited.email,
        "other_hosts": [vars(host) for host in booking.hosts if host is not credited],
    }


def _is_first_of_host(db: Session, event: Event) -> bool:
    """Whether no other booking names its host like this one."""
    same = (getattr(Event, fact).is_not_distinct_from(getattr(event, fact)) for fact in WHOSE)
    others = select(Event.id).where(Event.id != event.id, *same).limit(1)
    return db.scalars(others).first() is None


def _is_among(db: Session, event: Event, hosts: Sequence[Host]) -> bool:
    """Whether the event's closer is one of these hosts, where it was not stored what the hosts
    were; without any the platform says nothing of them.
    """
    closer = db.get_one(Closer, (event.organization_id, event.closer_id))
    platform = event.booking_platform
    return not hosts or any(may_be(closer, platform, host) for host in hosts)


def _origin(db: Session, event: Event, booking: Booking) -> dict[str, Any]:
    """Where the booking came from: setter, source and traffic type. They stay while it says the
    same, also when other settings would now read it otherwise.
    """
    utm: dict[str, str | None] = {part: booking.utm.get(part) for part in UtmField}
    digest = digest_of([utm, [dict(answer) for answer in booking.answers]])
    if event.id is not None and digest == (event.origin_digest or _stored_origin(event)):
        return {"origin_digest": digest}
    setters = ((mention, match_setter(db, mention)) for mention in booking.setter_mentions)
    mention, setter = next(((text, found) for text, found in setters if found), (None, None))
    return utm | {
        "origin_digest": digest,
        "source_id": match_source(db, utm),
        "traffic_type_id": match_traffic_type(db, utm),
        "setter_id": setter.id if setter else None,
        "setter_name": (
            setter.name if setter else mention or next(iter(booking.setter_mentions), None)
        ),
    }


def _stored_origin(event: Event) -> str:
    return digest_of([{part: getattr(event, part) for part in UtmField}, event.answers])


def _call_type(db: Session, booking: Booking) -> UUID | None:
    """By the platform's own id, then by name; a call type that is new to us is added to the
    list.
    """
    if not booking.call_type:
        return None
    platform, uri = booking.platform, booking.call_type_uri
    kinds = list(db.scalars(select(CallType).order_by(CallType.name)))
    by_uri = (kind for kind in kinds if uri and kind.known_as.get(platform) == uri)
    by_name = (kind for kind in kinds if fold(kind.name) == fold(booking.call_type))
    kind = next(by_uri, None) or next(by_name, None)
    if kind is None:
        kind = CallType(organization_id=organization_id_of(db), name=booking.call_type, known_as={})
        db.add(kind)
    if uri and platform not in kind.known_as:
        kind.known_as = kind.known_as | {platform: uri}
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
    event.canceled_party = gone.party


def _predecessor(db: Session, event: Event) -> Event | None:
    if event.replaces_external_id == event.external_id:
        return None
    return _known(db, event.booking_platform, event.replaces_external_id)


def _replacements(db: Session, event: Event) -> list[Event]:
    """The bookings that claim to replace this one, in a fixed order: more than one only if the
    platform contradicts itself.
    """
    later = select(Event).where(
        Event.booking_platform == event.booking_platform,
        Event.replaces_external_id == event.external_id,
        Event.id != event.id,
    )
    return list(db.scalars(_locked(later.order_by(Event.external_id))))


def _successors(db: Session, event: Event) -> list[Event]:
    """The bookings that replaced this one, nearest first; a chain that leads back to itself ends
    there.
    """
    chain = [event]
    while event.external_id:
        found = next(iter(_replacements(db, event)), None)
        if found is None or found in chain:
            break
        chain.append(found)
        event = found
    return chain[1:]


def _follow_chain(db: Session, event: Event) -> list[Event]:
    """Link the event to the booking that it replaces and to those that replaced it, and copy the
    first booking's facts to all of them. Returns every event that has changed by it.
    """
    later = _successors(db, event)
    first = before = _predecessor(db, event)
    for link in (event, *later):
        if before is not None:
            by = _replacements(db, before)[0]
            before.rescheduled_to_id, before.replaced_at = by.id, by.made_at
            before.provider_status = CallStatus.RESCHEDULED
            _carry(before, link)
        before = link
    db.flush()
    return [event, *later, *([first] if first is not None and first not in later else [])]


def _carry(before: Event, link: Event) -> None:
    for fact in CARRIED:
        setattr(link, fact, getattr(before, fact))
    if any(getattr(before, fact) is not None for fact in CARRIED_IF_KNOWN):
        for fact in CARRIED_IF_KNOWN:
            setattr(link, fact, getattr(before, fact))


def _name_lead_setters(db: Session, event: Event) -> None:
    """Set the lead's original setter from its first booking, its current one from its latest."""
    if event.lead_id is None:
        return
    named = (
        select(Event.setter_name)
        .where(Event.lead_id == event.lead_id, Event.setter_name.is_not(None))
        .limit(1)
    )
    first = named.order_by(Event.booked_at, Event.id).scalar_subquery()
    latest = named.order_by(Event.booked_at.desc(), Event.id.desc()).scalar_subquery()
    names = {"original_setter_name": first, "current_setter_name": latest}
    whose = update(Lead).where(Lead.id == event.lead_id).values(names)
    db.execute(whose, execution_options={"synchronize_session": False})


def _tell(db: Session, event: Event) -> None:
    status = CallStatus(event.call_status)
    sentence, at = {
        CallStatus.SCHEDULED: ("Booking made", event.booked_at),
        CallStatus.CANCELED: ("Booking cancelled", event.canceled_at),
        CallStatus.RESCHEDULED: ("Booking moved", event.canceled_at),
        CallStatus.NO_SHOW: ("Lead did not show", event.provider_no_show_at or event.scheduled_at),
        CallStatus.COMPLETED: ("Meeting took place", event.scheduled_at),
    }[status]
    _note_status(db, event, status, sentence, at)
    if event.canceled_at and event.canceled_at >= event.scheduled_at:
        done = "moved" if event.provider_status == CallStatus.RESCHEDULED else "cancelled"
        after = f"Booking {done} after its time; what counts is how the meeting went"
        _note_status(db, event, CallStatus(event.provider_status), after, event.canceled_at)


def _note_status(
    db: Session, event: Event, status: CallStatus, sentence: str, at: datetime | None
) -> None:
    note(
        db,
        status,
        "event",
        event.id,
        sentence,
        contact_id=event.contact_id,
        at=at,
        dedupe_key=f"event {event.id} {status}",
    )
