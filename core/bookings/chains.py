"""Bookings that replace one another: where the first one came from, they all did."""

from __future__ import annotations

from core.bookings.known import KnownBookings
from core.bookings.models import CallStatus, Event, UtmField

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


def follow_chain(known: KnownBookings, event: Event) -> list[Event]:
    """Link the event to the booking that it replaces and to those that replaced it, and copy the
    first booking's facts to all of them. Returns every event that has changed by it.
    """
    later = known.successors(event)
    before = known.predecessor(event)
    first = before = known.standing(before) if before is not None else None
    for link in (event, *later):
        if before is not None:
            by = known.replacements(before)[0]
            named = (by.booking_platform, by.replaces_external_id)
            for replaced in (before, *known.merged_into(before)):
                if (replaced.booking_platform, replaced.external_id) == named:
                    replaced.rescheduled_to_id, replaced.replaced_at = by.id, by.made_at
                    replaced.provider_status = CallStatus.RESCHEDULED
            before.rescheduled_to_id = by.id
            _carry(before, link)
        before = link
    return [event, *later, *([first] if first is not None and first not in later else [])]


def _carry(before: Event, link: Event) -> None:
    for fact in CARRIED:
        setattr(link, fact, getattr(before, fact))
    if any(getattr(before, fact) is not None for fact in CARRIED_IF_KNOWN):
        for fact in CARRIED_IF_KNOWN:
            setattr(link, fact, getattr(before, fact))
