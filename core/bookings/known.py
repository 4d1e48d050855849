"""The events that a batch of bookings is about, read at once: those of the bookings themselves, of
what they replace, of what replaced them and of what was merged with any of these, with their forms.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.orm import Session

from core.bookings.booking import Booking
from core.bookings.models import CallStatus, Event, PostCallForm
from core.platform.database import organization_id_of

Key = tuple[str, str]  # the platform and its own id of a booking


class KnownBookings:
    """Events by the platform's ids, locked until the transaction ends. New ones are among them
    before they are written.
    """

    def __init__(self, db: Session) -> None:
        self._db = db
        self._events: dict[Key, Event] = {}
        self._replacing: dict[Key, dict[UUID, Event]] = {}
        self._replaced: dict[UUID, Key] = {}
        self._asked = set[Key]()
        self._forms: dict[UUID, PostCallForm | None] = {}
        self._by_id: dict[UUID, Event] = {}
        self._merged: dict[UUID, dict[UUID, Event]] = {}

    def load(self, keys: Iterable[Key]) -> None:
        """Read these bookings and the whole chains that they are in."""
        wanted = set(keys) - self._asked
        while wanted:
            self._asked |= wanted
            found = self._with_merged(self._read(_named(wanted)))
            for event in found:
                self.note(event)
            links = {key for event in found for key in (_own(event), _replaced(event)) if key}
            wanted = links - self._asked

    def load_events(self, ids: Collection[UUID]) -> None:
        """Read these events, and the whole chains that they are in."""
        found = self._with_merged(self._read(Event.id.in_(sorted(ids))))
        for event in found:
            self.note(event)
        self.load(key for event in found for key in (_own(event), _replaced(event)) if key)

    def _read(self, which: ColumnElement[bool]) -> list[Event]:
        events = select(Event).where(which).order_by(Event.id).with_for_update()
        found = list(self._db.scalars(events.execution_options(populate_existing=True)))
        forms = select(PostCallForm).where(PostCallForm.event_id.in_([each.id for each in found]))
        self._forms |= dict.fromkeys([each.id for each in found])
        self._forms |= {form.event_id: form for form in self._db.scalars(forms)}
        for event in found:
            self._by_id[event.id] = event
            if event.merged_into_id:
                self._merged.setdefault(event.merged_into_id, {})[event.id] = event
        return found

    def _with_merged(self, found: list[Event]) -> list[Event]:
        """The events, and those that they are one meeting with."""
        if not found:
            return []
        kept = {each.merged_into_id for each in found if each.merged_into_id}
        stand = sorted(kept | {each.id for each in found if each.merged_into_id is None})
        theirs = or_(Event.id.in_(sorted(kept)), Event.merged_into_id.in_(stand))
        return [*found, *self._read(theirs & Event.id.not_in([each.id for each in found]))]

    def note(self, event: Event) -> None:
        """The event is known from here on by the ids that it has now."""
        if key := _own(event):
            self._events[key] = event
        if earlier := self._replaced.pop(event.id, None):
            del self._replacing[earlier][event.id]
        if before := _replaced(event):
            self._replacing.setdefault(before, {})[event.id] = event
            self._replaced[event.id] = before

    def event(self, platform: str, external_id: str | None) -> Event | None:
        """The event of a booking."""
        if external_id is None:
            return None
        self.load([(platform, external_id)])
        return self._events.get((platform, external_id))

    def new_event(self, booking: Booking) -> Event:
        """An event for a booking that has none; not written yet."""
        return Event(
            organization_id=organization_id_of(self._db),
            id=uuid4(),
            booking_platform=booking.platform,
            external_id=booking.external_id,
            scheduled_at=booking.scheduled_at,
            booked_at=booking.booked_at,
            provider_status=CallStatus.SCHEDULED,
        )

    def form_of(self, event: Event) -> PostCallForm | None:
        """The form that was filed for the event."""
        return self._forms.get(event.id)

    def standing(self, event: Event) -> Event:
        """The event that stands for the meeting: the one into which this one was merged, or it."""
        return self._by_id.get(event.merged_into_id, event) if event.merged_into_id else event

    def merged_into(self, event: Event) -> list[Event]:
        """The further bookings of the event's meeting."""
        return list(self._merged.get(event.id, {}).values())

    def predecessor(self, event: Event) -> Event | None:
        """The booking that this one replaces."""
        if event.replaces_external_id == event.external_id:
            return None
        return self.event(event.booking_platform, event.replaces_external_id)

    def replacements(self, event: Event) -> list[Event]:
        """The bookings that claim to replace this one or one that was merged into it, in a fixed
        order: more than one only if the platform contradicts itself or both were moved.
        """
        bookings = [event, *self.merged_into(event)]
        keys = [key for each in bookings if (key := _own(each))]
        self.load(keys)
        later = (each for key in keys for each in self._replacing.get(key, {}).values())
        return sorted((each for each in later if each not in bookings), key=_external_id)

    def successors(self, event: Event) -> list[Event]:
        """The bookings that replaced this one, nearest first; a chain that leads back to itself
        ends there, and so does one that leads to a merged booking: what follows that follows the
        one that stands for it.
        """
        chain = [event]
        while not chain[-1].merged_into_id and (
            found := next(iter(self.replacements(chain[-1])), None)
        ):
            if found in chain:
                break
            chain.append(found)
        return chain[1:]


def _named(keys: Iterable[Key]) -> ColumnElement[bool]:
    named = sorted(keys)
    return or_(
        tuple_(Event.booking_platform, Event.external_id).in_(named),
        tuple_(Event.booking_platform, Event.replaces_external_id).in_(named),
    )


def _own(event: Event) -> Key | None:
    return (event.booking_platform, event.external_id) if event.external_id else None


def _replaced(event: Event) -> Key | None:
    before = event.replaces_external_id
    return (event.booking_platform, before) if before else None


def _external_id(event: Event) -> str:
    return event.external_id or ""
