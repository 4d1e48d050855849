"""What a platform, a person or the demo reports about one booked meeting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.bookings.models import Party
from core.bookings.roster import Host
from core.people.actions import Person


@dataclass(frozen=True)
class Cancellation:
    """Why a booking was cancelled; ``moved`` when it was rescheduled. ``party`` is the side that
    cancelled, ``guest`` or ``host``, where the platform says so.
    """

    moved: bool
    at: datetime | None = None
    by: str | None = None
    party: Party | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Booking:
    """What is known of one booked meeting.

    The platform and its own id of the booking, ``external_id``, are the natural key; a manual entry
    has no such id. ``replaces_external_id`` is the booking that this one replaces,
    ``external_meeting_id`` the meeting that all bookings of a group share. A platform that moves a
    booking without giving it a new id reports a new ``scheduled_at``: the event moves, and its
    booking time stays. If its meeting is over by then, or was reported, the new time is another
    meeting.
    ``setter_mentions`` are the texts that may name the setter, best first. ``reported_at`` is when
    the platform reported it; None is now.
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
    external_id: str | None = None
    replaces_external_id: str | None = None
    external_meeting_id: str | None = None
    cancellation: Cancellation | None = None
    no_show_at: datetime | None = None
    reported_at: datetime | None = None
