"""The status of an event, from what the booking platform and the form report: the only place that
decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core.bookings.models import GONE, CallStatus, Event, EventOutcome, Party, PostCallForm


def settle_status(
    event: Event,
    form: PostCallForm | None,
    late_cancel_hours: int,
    merged: Sequence[Event] = (),
) -> None:
    """Set the event's status, outcome and the facts that follow from them.

    A booking can be cancelled or moved until its time. From then on the meeting was held or missed,
    whatever happens to the booking: a host moves it at the end of the meeting, to have a second
    one, or a lead who did not come moves it in the evening. The form of the person who was in the
    meeting says which it was, else the platform's no-show. A past event without either stays
    ``scheduled``: it is unconfirmed, and counts neither as attended nor as a no-show.

    A booking that was moved before its time can have been missed by nobody. A form counts before
    a cancellation, and a cancellation before the platform's no-show.

    Late is what a lead cancels late; a meeting that the host cancels is never the lead's doing.

    ``merged`` are further bookings of the same meeting: it is moved with any of them, and cancelled
    when all of them are.
    """
    event.pcf_submitted = form is not None
    event.pcf_submitted_at = form.submitted_at if form is not None else None
    event.no_show_party = None
    bookings = [event, *merged]
    gone = _gone_together(bookings, form)
    event.canceled_late = gone == CallStatus.CANCELED and _is_late(bookings, late_cancel_hours)
    missed = any(each.provider_no_show_at is not None for each in bookings)
    event.call_status, event.event_outcome = _status(form, gone, missed)
    if event.call_status == CallStatus.NO_SHOW:
        event.no_show_party = (form and form.no_show_party) or Party.GUEST


def _gone_together(bookings: Sequence[Event], form: PostCallForm | None) -> CallStatus | None:
    gone = [_gone_before_its_time(each, form) for each in bookings]
    if CallStatus.RESCHEDULED in gone:
        return CallStatus.RESCHEDULED
    return None if None in gone else CallStatus.CANCELED


def _is_late(bookings: Sequence[Event], late_cancel_hours: int) -> bool:
    """Whether the lead cancelled late; of several bookings the last one says so."""
    last = max(bookings, key=lambda each: (each.canceled_at is not None, each.canceled_at))
    return bool(
        last.canceled_party != Party.HOST
        and last.canceled_at
        and last.canceled_at > last.scheduled_at - timedelta(hours=late_cancel_hours)
    )


def _gone_before_its_time(event: Event, form: PostCallForm | None) -> CallStatus | None:
    """Whether the booking was cancelled or moved before its time. The platform's report of when may
    be late or never come; then it was when the booking that replaces it was made. Where that is not
    known either, it was before, unless something is known of the meeting.
    """
    if event.provider_status not in GONE:
        return None
    at = event.canceled_at or event.replaced_at
    if at is None:
        is_known = form is not None or event.provider_no_show_at is not None
        return None if is_known else CallStatus(event.provider_status)
    return CallStatus(event.provider_status) if at < event.scheduled_at else None


def _status(
    form: PostCallForm | None, gone: CallStatus | None, missed: bool
) -> tuple[CallStatus, EventOutcome | None]:
    held = form is not None and form.lead_showed
    if gone == CallStatus.RESCHEDULED and not held:
        return CallStatus.RESCHEDULED, None
    if form is not None:
        return _status_by_form(form)
    if gone == CallStatus.CANCELED:
        return CallStatus.CANCELED, None
    if missed:
        return CallStatus.NO_SHOW, EventOutcome.NO_SHOW
    return CallStatus.SCHEDULED, None


def _status_by_form(form: PostCallForm) -> tuple[CallStatus, EventOutcome]:
    if not form.lead_showed:
        return CallStatus.NO_SHOW, EventOutcome.NO_SHOW
    if form.deal_closed:
        return CallStatus.COMPLETED, EventOutcome.CLOSED
    return CallStatus.COMPLETED, EventOutcome.OFFER_MADE if form.offer_made else EventOutcome.SHOWED
