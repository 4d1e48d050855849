"""The status of an event, from what the booking platform and the form report: the only place that
decides it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from core.bookings.models import GONE, CallStatus, Event, EventOutcome, Party, PostCallForm


class Booked(Protocol):
    """A booking with when it was called off, if it was."""

    @property
    def call_status(self) -> str: ...
    @property
    def scheduled_at(self) -> datetime: ...
    @property
    def canceled_at(self) -> datetime | None: ...


def was_called_off(event: Booked) -> bool:
    """Whether the booking was cancelled or moved before its time, so that there was no meeting.

    One that was cancelled or moved afterwards may have been held: a host moves it at the end of
    the meeting, to have a second one, and files the form only then.
    """
    return event.call_status in GONE and not (
        event.canceled_at and event.canceled_at >= event.scheduled_at
    )


def settle_status(event: Event, form: PostCallForm | None, late_cancel_hours: int) -> None:
    """Set the event's status, outcome and the facts that follow from them.

    A meeting that was held or missed stays so, whatever happens to the booking afterwards: the
    form of the person who was in the meeting counts, and the platform's no-show too when the
    booking is moved or cancelled later. A booking that was moved before its time can have been
    missed by nobody. A form counts before a cancellation, and a cancellation in time before the
    platform's no-show. A past event without any of these stays
    ``scheduled``: it is unconfirmed, and counts neither as attended nor as a no-show.

    Late is what a lead cancels late; a meeting that the host cancels is never the lead's doing.
    """
    event.pcf_submitted = form is not None
    event.pcf_submitted_at = form.submitted_at if form is not None else None
    event.no_show_party = None
    event.canceled_late = bool(
        event.provider_status == CallStatus.CANCELED
        and event.canceled_party != Party.HOST
        and event.canceled_at
        and event.canceled_at > event.scheduled_at - timedelta(hours=late_cancel_hours)
    )
    event.call_status, event.event_outcome = _status(event, form)
    if event.call_status == CallStatus.NO_SHOW:
        event.no_show_party = (form and form.no_show_party) or Party.GUEST


def _status(event: Event, form: PostCallForm | None) -> tuple[CallStatus, EventOutcome | None]:
    held = form is not None and form.lead_showed
    if event.provider_status == CallStatus.RESCHEDULED and not held and not _missed(event, form):
        return CallStatus.RESCHEDULED, None
    if form is not None:
        return _status_by_form(form)
    if event.provider_status == CallStatus.CANCELED and not _missed(event, form):
        return CallStatus.CANCELED, None
    if event.provider_no_show_at is not None:
        return CallStatus.NO_SHOW, EventOutcome.NO_SHOW
    return CallStatus.SCHEDULED, None


def _missed(event: Event, form: PostCallForm | None) -> bool:
    """Whether nobody came before the booking was moved or cancelled."""
    in_time = event.canceled_at is not None and event.canceled_at < event.scheduled_at
    return not in_time and (form is not None or event.provider_no_show_at is not None)


def _status_by_form(form: PostCallForm) -> tuple[CallStatus, EventOutcome]:
    if not form.lead_showed:
        return CallStatus.NO_SHOW, EventOutcome.NO_SHOW
    if form.deal_closed:
        return CallStatus.COMPLETED, EventOutcome.CLOSED
    return CallStatus.COMPLETED, EventOutcome.OFFER_MADE if form.offer_made else EventOutcome.SHOWED
