"""What the timeline says of a booking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from core.bookings.models import CallStatus, Event
from core.people.timeline import Line


def lines_of(event: Event) -> Iterator[Line]:
    """What the timeline says of the event: that it was booked, and how it is now."""
    yield _line(event, CallStatus.SCHEDULED, "Booking made", event.booked_at)
    status = CallStatus(event.call_status)
    sentence, at = {
        CallStatus.SCHEDULED: ("Booking made", event.booked_at),
        CallStatus.CANCELED: ("Booking cancelled", event.canceled_at),
        CallStatus.RESCHEDULED: ("Booking moved", event.canceled_at),
        CallStatus.NO_SHOW: ("Lead did not show", event.provider_no_show_at or event.scheduled_at),
        CallStatus.COMPLETED: ("Meeting took place", event.scheduled_at),
    }[status]
    yield _line(event, status, sentence, at)
    if event.canceled_at and event.canceled_at >= event.scheduled_at:
        done = "moved" if event.provider_status == CallStatus.RESCHEDULED else "cancelled"
        after = f"Booking {done} after its time; what counts is how the meeting went"
        yield _line(event, CallStatus(event.provider_status), after, event.canceled_at)


def _line(event: Event, status: CallStatus, sentence: str, at: datetime | None) -> Line:
    return Line(
        status,
        "event",
        event.id,
        sentence,
        at=at,
        contact_id=event.contact_id,
        dedupe_key=f"event {event.id} {status}",
    )
