"""Intake of bookings: what a platform, a person or the demo reports about booked meetings becomes
events.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.bookings.booking import Booking, Cancellation
from core.bookings.call_types import CallTypes
from core.bookings.chains import follow_chain
from core.bookings.closer_reassignment import claim_hosted, rematch_names
from core.bookings.known import KnownBookings
from core.bookings.models import (
    BookingSettings,
    CallStatus,
    Closer,
    Event,
    PostCallForm,
    UtmField,
)
from core.bookings.roster import (
    Host,
    closer_of,
    closers_in_order,
    digest_of,
    hosts_digest,
    is_known_as,
    match_closer,
    match_setter,
    may_be,
    setters_in_order,
)
from core.bookings.status import settle_status
from core.bookings.story import lines_of
from core.bookings.tasks import attribute_events
from core.people.actions import Directory, Sources
from core.people.timeline import Line, add_lines
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.normalization import normalize_email
from core.tenancy.organizations.queries import current_organization, settings_of

# By these a booking says whose it is.
WHOSE = ("booking_platform", "host_uri", "host_email", "closer_id", "closer_name", "closer_by_name")

NAME_LEAD_SETTERS = text("""
    with named as (
      select e.lead_id, e.setter_name, e.booked_at, e.id from app.events e
       where e.organization_id = app.cur_org() and e.lead_id = any (:leads)
         and e.setter_name is not null),
    first as (select distinct on (n.lead_id) n.lead_id, n.setter_name from named n
               order by n.lead_id, n.booked_at, n.id),
    latest as (select distinct on (n.lead_id) n.lead_id, n.setter_name from named n
                order by n.lead_id, n.booked_at desc, n.id desc)
    update app.leads l
       set original_setter_name = f.setter_name, current_setter_name = t.setter_name
      from unnest(cast(:leads as uuid[])) w (id)
      left join first f on f.lead_id = w.id
      left join latest t on t.lead_id = w.id
     where l.organization_id = app.cur_org() and l.id = w.id
       and (l.original_setter_name, l.current_setter_name)
           is distinct from (f.setter_name, t.setter_name)
""")

# An inquiry that bookings made and none of them is of any more: its invitee has another address, or
# moved a booking of somebody else's. Nobody has worked on it.
DROP_EMPTY_LEADS = text("""
    delete from app.leads l
     where l.organization_id = app.cur_org() and l.id = any (:leads)
       and l.status = 'new' and l.raw_data = '{}'
       and not exists (select from app.events e
                        where e.organization_id = app.cur_org() and e.lead_id = l.id)
       and not exists (select from app.activities a
                        where a.organization_id = app.cur_org()
                          and a.subject_type = 'lead' and a.subject_id = l.id)
""")


def record_booking(db: Session, booking: Booking) -> Event:
    """The same as ``record_bookings`` for one booking, whose event is returned."""
    [event] = record_bookings(db, [booking])
    return event


def record_bookings(db: Session, bookings: Sequence[Booking]) -> list[Event]:
    """Make or update the event of each booking; repeating it changes nothing, and chains may arrive
    in any order.

    A rescheduled booking keeps the first one's booking time, setter and source. People and source
    are matched once for what the platform says of them: what a person or a rule has settled since
    stays, until the platform itself says something else.
    """
    if not bookings:
        return []
    lock_books(db)
    return _Intake(db, bookings).record()


class _Intake:
    """A batch of bookings on the way into events, with everything that they are compared with."""

    def __init__(self, db: Session, bookings: Sequence[Booking]) -> None:
        self.db, self.bookings = db, bookings
        self.late_hours = settings_of(db, BookingSettings).late_cancel_hours
        self.known = KnownBookings(db)
        ids = [(each.platform, (each.external_id, each.replaces_external_id)) for each in bookings]
        self.known.load((platform, key) for platform, keys in ids for key in keys if key)
        self.directory = Directory(db, current_organization(db).region)
        self.directory.load(each.person for each in bookings)
        self.sources, self.call_types = Sources(db), CallTypes(db)
        self.closers, self.setters = closers_in_order(db), setters_in_order(db)
        self.known_as = {closer.id: closer.known_as for closer in self.closers}
        self.new: list[Event] = []
        self.lines: list[Line] = []
        self.leads = set[UUID]()  # of before, or made on the way

    def record(self) -> list[Event]:
        with self.db.no_autoflush:  # each write of an event is a line in the audit log
            events = [self._take(booking) for booking in self.bookings]
        self._save()
        changed: dict[UUID, Event] = {}
        with self.db.no_autoflush:
            for event in events:
                stands = self.known.standing(event)
                later = self.known.successors(stands)
                self.leads |= {link.lead_id for link in later if link.lead_id}
                for link in follow_chain(self.known, stands):
                    self._settle(link)
                    changed[link.id] = link
        self.db.flush()
        for closer in self.closers:
            if closer.known_as != self.known_as[closer.id]:
                claim_hosted(self.db, closer)
        if any(_is_first_of_host(self.db, events, who) for who in set(map(_whose, events))):
            rematch_names(self.db)
        attribute_events(self.db, list(changed))
        self.db.execute(DROP_EMPTY_LEADS, {"leads": list(self.leads)})
        leads = {event.lead_id for event in events if event.lead_id}
        self.db.execute(NAME_LEAD_SETTERS, {"leads": list(leads)})
        add_lines(self.db, [*self.lines, *(line for event in events for line in lines_of(event))])
        return events

    def _take(self, booking: Booking) -> Event:
        """The booking's event with all that it says, which is not written yet."""
        known = self.known.event(booking.platform, booking.external_id)
        event = known or self._new(booking)
        form = self.known.form_of(event)
        if known and self._is_another_meeting(event, form, booking):
            event, form = self._another_meeting(event, booking), None
        elif form is not None:
            booking = _at_time_of(event, booking)
        elif known and self._is_back(event, booking):
            moved = Cancellation(moved=True, at=event.canceled_at)
            booking = _at_time_of(event, replace(booking, cancellation=moved))
        booking = self._without_mark_of_another(event, booking)
        for name, value in self._facts(event, booking).items():
            setattr(event, name, value)
        _fill_provider_state(event, booking)
        settle_status(event, form, self.late_hours, self.known.merged_into(event))
        self.known.note(event)
        return event

    def _settle(self, event: Event) -> None:
        merged = self.known.merged_into(event)
        settle_status(event, self.known.form_of(event), self.late_hours, merged)

    def _new(self, booking: Booking) -> Event:
        event = self.known.new_event(booking)
        self.new.append(event)
        return event

    def _save(self) -> None:
        """Write what is new so far: people before the events that name them."""
        self.directory.save()
        self.call_types.save()
        self.db.add_all(self.new)
        self.db.flush()
        self.new = []

    def _is_another_meeting(
        self, event: Event, form: PostCallForm | None, booking: Booking
    ) -> bool:
        """Whether the platform has moved the booking under its id to a time that is not of the
        meeting which was held or missed: of which its form cannot speak, nor the platform's
        no-show, or which is still to come when the old one has passed.
        """
        if booking.scheduled_at == event.scheduled_at:
            return False
        known_at = form.submitted_at if form is not None else event.provider_no_show_at
        if known_at is not None:
            return booking.scheduled_at > known_at
        return event.scheduled_at <= _reported_at(booking) < booking.scheduled_at

    def _another_meeting(self, first: Event, booking: Booking) -> Event:
        """The event of a booking that was moved under its id after its meeting. What is known of
        that stays, or is still to be reported, and it leaves the id to the meeting that replaces
        it.
        """
        external_id, at = first.external_id, _reported_at(booking)
        first.external_id = _given_up(external_id, first)
        first.canceled_at = first.canceled_at or at
        self.known.note(first)
        self._save()  # the id is free from here on
        moved = "Booking moved after this meeting, which stays what it was"
        self.lines.append(
            Line(
                CallStatus.RESCHEDULED,
                "event",
                first.id,
                moved,
                at=at,
                contact_id=first.contact_id,
            )
        )
        event = self._new(booking)
        event.replaces_external_id = first.external_id
        return event

    def _without_mark_of_another(self, event: Event, booking: Booking) -> Booking:
        """A platform that moves a booking under its id may go on reporting the no-show of the time
        before.
        """
        before = self.known.predecessor(event) if booking.no_show_at else None
        is_of_it = (
            before is not None
            and before.external_id == _given_up(event.external_id, before)
            and before.provider_no_show_at == booking.no_show_at
        )
        return replace(booking, no_show_at=None) if is_of_it else booking

    def _is_back(self, event: Event, booking: Booking) -> bool:
        """Whether the platform has moved the booking back to the time that was reported on."""
        before = self.known.predecessor(event)
        return (
            before is not None
            and before.external_id == _given_up(event.external_id, before)
            and before.scheduled_at == booking.scheduled_at
        )

    def _facts(self, event: Event, booking: Booking) -> dict[str, Any]:
        """What the booking says of its event, column by column, as if it had no predecessor."""
        origin = self._origin(event, booking)
        contact = self.directory.contact(booking.person)
        lead = contact and self.directory.lead(
            contact,
            received_at=booking.booked_at,
            source_id=origin.get("source_id", event.source_id),
            traffic_type_id=origin.get("traffic_type_id", event.traffic_type_id),
        )
        self.leads |= {each for each in (event.lead_id, lead and lead.id) if each}
        known = {"contact_id": contact.id, "lead_id": lead.id} if contact and lead else {}
        return (
            known
            | origin
            | self._closer(event, booking)
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
                "call_type_id": self.call_types.of(booking),
            }
        )

    def _closer(self, event: Event, booking: Booking) -> dict[str, Any]:
        """Who holds the meeting. A closer stays while the hosts are the same; a host whom nobody
        knew may have become a closer since.
        """
        digest = hosts_digest(booking.hosts)
        if event.closer_id is not None and (
            event.hosts_digest == digest
            or (event.hosts_digest is None and self._is_among(event, booking.hosts))
        ):
            return {"hosts_digest": digest}
        if any(self._is_by_name(booking.platform, host) for host in booking.hosts):
            self._save()  # what earlier bookings of the batch say of the name counts
        closer, credited = match_closer(self.db, booking.platform, booking.hosts, self.closers)
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

    def _is_by_name(self, platform: str, host: Host) -> bool:
        closer = closer_of(self.closers, platform, host)
        return closer is not None and not is_known_as(closer, platform, host)

    def _is_among(self, event: Event, hosts: Sequence[Host]) -> bool:
        """Whether the event's closer is one of these hosts, where it was not stored what the hosts
        were; without any the platform says nothing of them.
        """
        closer = self.db.get_one(Closer, (event.organization_id, event.closer_id))
        platform = event.booking_platform
        return not hosts or any(may_be(closer, platform, host) for host in hosts)

    def _origin(self, event: Event, booking: Booking) -> dict[str, Any]:
        """Where the booking came from: setter, source and traffic type. They stay while it says the
        same, also when other settings would now read it otherwise.
        """
        utm: dict[str, str | None] = {part: booking.utm.get(part) for part in UtmField}
        digest = digest_of([utm, [dict(answer) for answer in booking.answers]])
        is_known = event.answers is not None  # a new one says nothing yet
        if is_known and digest == (event.origin_digest or _stored_origin(event)):
            return {"origin_digest": digest}
        mentions = booking.setter_mentions
        matched = ((mention, match_setter(self.setters, mention)) for mention in mentions)
        mention, setter = next(((text, found) for text, found in matched if found), (None, None))
        return utm | {
            "origin_digest": digest,
            "source_id": self.sources.source(utm),
            "traffic_type_id": self.sources.traffic_type(utm),
            "setter_id": setter.id if setter else None,
            "setter_name": setter.name if setter else mention or next(iter(mentions), None),
        }


def _reported_at(booking: Booking) -> datetime:
    return booking.reported_at or now()


def _given_up(external_id: str | None, event: Event) -> str:
    """The id by which the event goes on once its own is another's."""
    return f"{external_id} {event.id}"


def _at_time_of(event: Event, booking: Booking) -> Booking:
    return replace(booking, scheduled_at=event.scheduled_at, ends_at=event.ends_at)


def _made_at(booking: Booking) -> datetime | None:
    """A booking is made before its meeting. Another time says nothing: a platform that does not
    know when it was made may give the meeting's.
    """
    return booking.booked_at if booking.booked_at < booking.scheduled_at else None


def _replaced(event: Event, booking: Booking) -> str | None:
    """The booking that it replaces; what it replaced under its own id is known here alone."""
    named = booking.replaces_external_id
    return named if named not in (None, booking.external_id) else event.replaces_external_id


def _stored_origin(event: Event) -> str:
    return digest_of([{part: getattr(event, part) for part in UtmField}, event.answers])


def _whose(event: Event) -> tuple[Any, ...]:
    return tuple(getattr(event, fact) for fact in WHOSE)


def _is_first_of_host(db: Session, events: Collection[Event], whose: tuple[Any, ...]) -> bool:
    """Whether no booking but these names its host like this."""
    same = (
        getattr(Event, fact).is_not_distinct_from(value)
        for fact, value in zip(WHOSE, whose, strict=True)
    )
    mine = [event.id for event in events]
    others = select(Event.id).where(Event.id.not_in(mine), *same).limit(1)
    return db.scalars(others).first() is None


def _fill_provider_state(event: Event, booking: Booking) -> None:
    event.provider_no_show_at = booking.no_show_at
    gone = booking.cancellation
    if gone is None:
        event.provider_status = CallStatus.SCHEDULED
        return
    event.provider_status = CallStatus.RESCHEDULED if gone.moved else CallStatus.CANCELED
    event.canceled_at, event.canceled_by, event.cancel_reason = gone.at, gone.by, gone.reason
    event.canceled_party = gone.party
