"""Follow-ups: what a closer agreed on a form to do on a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from core.bookings.models import Event, PostCallForm
from core.bookings.queries import taken_by
from core.people.visibility import visible
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.errors import NotAllowed, NotFound
from core.tenancy.access.viewers import Viewer


def follow_ups(
    db: Session, closer_user_id: UUID, *, until: date, done_since: datetime
) -> list[Row[Any]]:
    """The follow-ups of a closer's bookings up to and including the day ``until``, the oldest day
    first, and those that were done since ``done_since``.

    One is done when somebody says so, or when the person has a later booking that stands, with
    whichever closer.

    Columns: event_id, lead_name, lead_phone, contact_id, follow_up_on (date), followed_up_at,
    notes.
    """
    query = (
        select(
            Event.id.label("event_id"),
            visible(Event.lead_name),
            visible(Event.lead_phone),
            Event.contact_id,
            PostCallForm.follow_up_on,
            PostCallForm.followed_up_at,
            visible(PostCallForm.notes),
        )
        .join(Event, Event.id == PostCallForm.event_id)
        .where(
            taken_by(closer_user_id),
            Event.deleted_at.is_(None),
            PostCallForm.follow_up_on <= until,
            or_(PostCallForm.followed_up_at.is_(None), PostCallForm.followed_up_at >= done_since),
            or_(PostCallForm.followed_up_at.is_not(None), ~func.app.booked_again(Event.id)),
        )
        .order_by(PostCallForm.follow_up_on, Event.scheduled_at, Event.id)
    )
    return list(db.execute(query))


def mark_followed_up(db: Session, event_id: UUID, by: Viewer, *, is_done: bool) -> None:
    """Say that what the event's form agreed was done, or take that back.

    Raises NotFound where ``by`` sees no form with a follow-up, and NotAllowed unless it is theirs
    or they are a manager.
    """
    lock_books(db)
    wanted = select(Event, PostCallForm).join(PostCallForm, PostCallForm.event_id == Event.id)
    found = db.execute(
        wanted.where(Event.id == event_id, PostCallForm.follow_up_on.is_not(None))
    ).first()
    if found is None:
        raise NotFound("There is no such follow-up.")
    event, form = found
    if not by.may_file(event.closer_id, event.closer_user_id):
        raise NotAllowed("Only the booking's closer or a manager does this.")
    form.followed_up_at = now() if is_done else None
    form.followed_up_by = by.user_id if is_done else None
    db.flush()
