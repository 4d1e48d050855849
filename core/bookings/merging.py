"""Two bookings of one meeting: one stays, and stands for the other until that is undone.

The other keeps its row and all that its platform says of it, and only points to the remaining
one. What follows from both, status, money and timeline, is computed, so an undo brings everything
back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.bookings.chains import follow_chain
from core.bookings.custom_answers import hand_on_answers
from core.bookings.known import KnownBookings
from core.bookings.models import (
    GONE,
    BookingSettings,
    DuplicateVerdict,
    Event,
    EventPair,
    PostCallForm,
)
from core.bookings.status import settle_status
from core.people.timeline import note
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import settings_of

# What the remaining booking takes from the other where it has none of these.
GAPS: Mapping[str, tuple[str, ...]] = {
    "closer": ("closer_id", "closer_name"),
    "setter": ("setter_id", "setter_name"),
    "source": ("source_id",),
    "traffic type": ("traffic_type_id",),
}
# These follow from the booking that it replaced, which the remaining one goes on doing.
OF_THE_FIRST = ("setter", "source", "traffic type")


def merge_events(db: Session, kept_id: UUID, other_id: UUID, by: Viewer) -> EventPair:
    """The two bookings are one meeting, of which the first counts from now on. A form goes over
    where the remaining one has none; closer, setter, source and traffic type fill its gaps.

    Raises:
        NotAllowed: ``by`` is no manager.
        NotFound: no such booking for ``by``.
        InvalidInput: the two are the same.
        Conflict: one of them was merged already, or has been cancelled or moved.
    """
    kept, other = _both(db, kept_id, other_id, by)
    _check_mergeable(db, kept, other)
    pair = _decide(db, kept, other, DuplicateVerdict.MERGED, by)
    pair.taken = _fill_gaps(kept, other)
    forms = _forms(db, (kept.id, other.id))
    pair.took_form = other.id in forms and kept.id not in forms
    other.merged_into_id, other.deleted_at = kept.id, now()
    if pair.took_form:
        _move_form(db, other.id, kept.id)
    db.flush()
    _settle_anew(db, kept)
    _note(db, kept, other, "Another booking of the same meeting merged into this one", by)
    return pair


def separate_events(db: Session, other_id: UUID, by: Viewer) -> EventPair:
    """Undo a merge, named by the booking that was merged away: both are as if it had never been,
    with what has happened to each since. A form that was filed since then stays with the booking on
    which it was filed.

    Raises:
        NotAllowed: ``by`` is no manager.
        NotFound: no such booking for ``by``.
        Conflict: it is not merged, by now.
    """
    _check_manager(by)
    lock_books(db)
    other = _locked(db, other_id)
    kept = _locked(db, other.merged_into_id) if other.merged_into_id else None
    if kept is None:
        raise Conflict("These bookings are two again already: somebody else has undone it.")
    pair = _pair(db, kept.id, other.id)
    if pair is None:
        raise NotFound("There is no such merge.")
    for name in pair.taken:
        _give_back(kept, other, GAPS[name])
    if kept.rescheduled_to_id == other.rescheduled_to_id:
        kept.rescheduled_to_id = None
    other.merged_into_id = other.deleted_at = None
    if pair.took_form:
        _move_form(db, kept.id, other.id)
    pair.verdict, pair.decided_at, pair.decided_by = DuplicateVerdict.OPEN, now(), by.user_id
    db.flush()
    _settle_anew(db, kept, other)
    _note(db, kept, other, "Merge with another booking undone", by)
    return pair


def call_different(db: Session, one_id: UUID, other_id: UUID, by: Viewer) -> None:
    """The two bookings are two meetings, and are listed as possible duplicates no more. Raises like
    ``merge_events``.
    """
    one, other = _both(db, one_id, other_id, by)
    _refuse_merged(one, other)
    _decide(db, one, other, DuplicateVerdict.DIFFERENT, by)


def ask_again(db: Session, one_id: UUID, other_id: UUID, by: Viewer) -> None:
    """Take back that the two are two meetings. Raises like ``merge_events``."""
    one, other = _both(db, one_id, other_id, by)
    _refuse_merged(one, other)
    _decide(db, one, other, DuplicateVerdict.OPEN, by)


def _check_manager(by: Viewer) -> None:
    if not by.is_manager:
        raise NotAllowed("Only a manager decides whether two bookings are one.")


def _both(db: Session, one_id: UUID, other_id: UUID, by: Viewer) -> tuple[Event, Event]:
    _check_manager(by)
    if one_id == other_id:
        raise InvalidInput("Choose two different bookings.")
    lock_books(db)
    return _locked(db, one_id), _locked(db, other_id)


def _locked(db: Session, event_id: UUID) -> Event:
    wanted = select(Event).where(Event.id == event_id).with_for_update()
    event = db.scalars(wanted.execution_options(populate_existing=True)).first()
    if event is None or (event.deleted_at is not None and event.merged_into_id is None):
        raise NotFound("There is no such booking.")
    return event


def _refuse_merged(*events: Event) -> None:
    if any(each.merged_into_id for each in events):
        raise Conflict("One of the two has been merged already; reload the page.")


def _check_mergeable(db: Session, kept: Event, other: Event) -> None:
    _refuse_merged(kept, other)
    if any(each.call_status in GONE for each in (kept, other)):
        raise Conflict("One of the two was cancelled or moved; there is nothing to merge.")
    theirs = select(Event.id).where(Event.merged_into_id == other.id).limit(1)
    if db.scalars(theirs).first() is not None:
        raise Conflict(
            "Another booking was merged into the one that would go. Keep that one instead, or undo"
            " the earlier merge first."
        )


def _decide(
    db: Session, one: Event, other: Event, verdict: DuplicateVerdict, by: Viewer
) -> EventPair:
    pair = _pair(db, one.id, other.id)
    if pair is None:
        pair = EventPair(organization_id=organization_id_of(db))
        db.add(pair)
    pair.event_id, pair.other_id = one.id, other.id
    pair.verdict, pair.decided_at, pair.decided_by = verdict, now(), by.user_id
    pair.taken, pair.took_form, pair.cash_set_aside = [], False, False
    db.flush()
    return pair


def _pair(db: Session, one_id: UUID, other_id: UUID) -> EventPair | None:
    both = (one_id, other_id)
    wanted = select(EventPair).where(EventPair.event_id.in_(both), EventPair.other_id.in_(both))
    return db.scalars(wanted.execution_options(populate_existing=True)).first()


def _fill_gaps(kept: Event, other: Event) -> list[str]:
    """Copy what the remaining booking lacks; returns which of ``GAPS`` were filled."""
    taken = []
    for name, columns in GAPS.items():
        follows = kept.replaces_external_id is not None and name in OF_THE_FIRST
        known = any(getattr(kept, column) is not None for column in columns)
        if follows or known or getattr(other, columns[0]) is None:
            continue
        for column in columns:
            setattr(kept, column, getattr(other, column))
        taken.append(name)
    return taken


def _give_back(kept: Event, other: Event, columns: Collection[str]) -> None:
    """What was taken goes, unless somebody has changed it since."""
    [key, *_] = columns
    if getattr(kept, key) == getattr(other, key):
        for column in columns:
            setattr(kept, column, None)


def _forms(db: Session, event_ids: Collection[UUID]) -> set[UUID]:
    """Which of these events have a form."""
    wanted = select(PostCallForm.event_id).where(PostCallForm.event_id.in_(event_ids))
    return set(db.scalars(wanted))


def _move_form(db: Session, from_id: UUID, to_id: UUID) -> None:
    db.flush()
    db.execute(update(PostCallForm).where(PostCallForm.event_id == from_id).values(event_id=to_id))
    hand_on_answers(db, from_id, to_id)


def _settle_anew(db: Session, *events: Event) -> None:
    """Set how these bookings stand, and those that they were moved to, from all that is known."""
    known = KnownBookings(db)
    known.load_events([event.id for event in events])
    late_hours = settings_of(db, BookingSettings).late_cancel_hours
    for event in events:
        for link in follow_chain(known, event):
            settle_status(link, known.form_of(link), late_hours, known.merged_into(link))
    db.flush()


def _note(db: Session, kept: Event, other: Event, sentence: str, by: Viewer) -> None:
    note(
        db,
        "merge",
        "event",
        kept.id,
        f"{sentence} {by.signature}",
        contact_id=kept.contact_id,
        actor_user_id=by.user_id,
        detail={"merged": str(other.id)},
    )
