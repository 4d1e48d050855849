"""Queries of events for screens and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, TextClause, case, func, or_, select, tuple_
from sqlalchemy.orm import Session

from core.bookings.custom_answers import answers_of_events, custom_answers
from core.bookings.form_answers import QUESTIONS
from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import BookingSettings, CallType, Closer, Event, PostCallForm, Setter
from core.people.models import Activity, Source, TrafficType
from core.people.visibility import is_hidden, persons_are_hidden, visible
from core.platform.clock import Period, now
from core.platform.dataframes import dataframe, fetched
from core.platform.paging import Order, sorted_by
from core.platform.search import is_address

if TYPE_CHECKING:
    import pandas as pd


SUBJECTS = ("contact", "lead", "event", "payment")  # what a line of the timeline may be about


@dataclass(frozen=True)
class EventFilter:
    """What a list of events is narrowed to; an empty field does not narrow."""

    period: Period | None = None
    ids: Mapping[str, Sequence[UUID]] | None = None
    statuses: Sequence[str] = ()
    search: str = ""
    condition: TextClause | None = None


def _columns() -> tuple[Any, ...]:
    """The columns of a list of events; the names of leads are hidden from viewers."""
    return (
        Event.id,
        visible(Event.lead_name),
        visible(Event.lead_email),
        Event.scheduled_at,
        Event.booked_at,
        Event.call_status,
        Event.event_outcome,
        func.coalesce(Closer.name, Event.closer_name).label("closer"),
        func.coalesce(Setter.name, Event.setter_name).label("setter"),
        Source.name.label("source"),
        TrafficType.name.label("traffic_type"),
        CallType.name.label("call_type"),
        Event.pcf_submitted,
        Event.closer_id,
        Event.setter_id,
        Event.source_id,
    )


def _named(query: Select[Any]) -> Select[Any]:
    for table, column in (
        (Closer, Event.closer_id),
        (Setter, Event.setter_id),
        (Source, Event.source_id),
        (TrafficType, Event.traffic_type_id),
        (CallType, Event.call_type_id),
    ):
        query = query.outerjoin(
            table, (table.organization_id == Event.organization_id) & (table.id == column)
        )
    return query


def _conditions(chosen: EventFilter) -> list[ColumnElement[bool] | TextClause]:
    conditions: list[ColumnElement[bool] | TextClause] = [Event.deleted_at.is_(None)]
    if chosen.condition is not None:
        conditions.append(chosen.condition)
    if chosen.period is not None:
        conditions.append(chosen.period.covers(Event.scheduled_at))
    for name, ids in (chosen.ids or {}).items():
        if ids and name in LISTED_COLUMNS:
            conditions.append(getattr(Event, name).in_(list(ids)))
    if chosen.statuses:
        conditions.append(Event.call_status.in_(list(chosen.statuses)))
    if search := chosen.search.replace("\0", "").strip():  # the database keeps no zero characters
        conditions.append(_mentions(search))
    return conditions


def _mentions(words: str) -> ColumnElement[bool]:
    """The condition that a name contains the words or an e-mail address equals them; contact
    details are searched only for those who may see them.
    """
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found = or_(Event.lead_name.ilike(pattern), is_address(Event.lead_email_normalized, words))
    return case((persons_are_hidden(), False), else_=found)


def events_page(
    db: Session, chosen: EventFilter, *, limit: int = 50, after: tuple[datetime, UUID] | None = None
) -> list[Row[Any]]:
    """Events that the caller may see, latest meeting first; ``after`` is the cursor of the previous
    page.
    """
    query = _named(select(*_columns()).select_from(Event)).where(*_conditions(chosen))
    if after is not None:
        query = query.where(tuple_(Event.scheduled_at, Event.id) < after)
    return list(db.execute(query.order_by(Event.scheduled_at.desc(), Event.id.desc()).limit(limit)))


ORDERED = (
    *("scheduled_at", "lead_name", "lead_email", "closer", "setter", "source", "traffic_type"),
    *("call_type", "call_status", "event_outcome", "booked_at"),
)


def events_table(
    db: Session,
    chosen: EventFilter,
    *,
    order: Order | None = None,
    limit: int = 200,
    offset: int = 0,
) -> pd.DataFrame:
    """Events that the caller may see, by one of the columns ``ORDERED`` or latest meeting first.
    Columns: those of ``events_page``; ids as UUID, instants aware in UTC.
    """
    columns = {column.key: column for column in _columns()}
    query = _named(select(*columns.values()).select_from(Event)).where(*_conditions(chosen))
    rows = sorted_by(query, columns, order, usual=Event.scheduled_at.desc(), newest=Event.id)
    return dataframe(list(db.execute(rows.limit(limit).offset(offset))), [*columns])


def count_events(db: Session, chosen: EventFilter) -> int:
    """The number of events that match the filter."""
    return db.scalars(select(func.count()).select_from(Event).where(*_conditions(chosen))).one()


def event_detail(db: Session, event_id: UUID) -> Row[Any] | None:
    """All facts of one event; None when it does not exist or the caller may not see it."""
    more = (
        visible(Event.lead_phone),
        visible(Event.meeting_url),
        visible(Event.answers),
        Event.ends_at,
        Event.no_show_party,
        Event.cancel_reason,
        visible(Event.canceled_by),
        Event.canceled_at,
        Event.canceled_late,
        Event.rescheduled_to_id,
        Event.other_hosts,
        Event.booking_platform,
        Event.contact_id,
        Event.lead_id,
        Event.utm_source,
        Event.utm_medium,
        Event.utm_campaign,
        Event.utm_content,
        Event.utm_term,
        Event.closer_user_id,
        (Event.setter_id.is_(None) & Event.setter_name.is_not(None)).label("setter_name_unknown"),
    )
    query = _named(select(*_columns(), *more).select_from(Event)).where(
        Event.id == event_id, Event.deleted_at.is_(None)
    )
    return db.execute(query).first()


def forms_of_contact(db: Session, contact_id: UUID) -> list[dict[str, Any]]:
    """The forms of one person's bookings, latest meeting first: what each answers, by question, and
    the event (``event_id``, ``scheduled_at``, ``closer``), with the version of the design that it
    was filed with (``config_version``). What names a person is hidden from viewers.
    """
    columns = [getattr(PostCallForm, each.key) for each in QUESTIONS]
    shown = [visible(each) if is_hidden(each) else each for each in columns]
    closer = func.coalesce(Closer.name, Event.closer_name).label("closer")
    query = (
        _named(
            select(
                *shown,
                PostCallForm.config_version,
                PostCallForm.event_id,
                Event.scheduled_at,
                closer,
            ).select_from(Event)
        )
        .join(PostCallForm, PostCallForm.event_id == Event.id)
        .where(Event.contact_id == contact_id, Event.deleted_at.is_(None))
        .order_by(Event.scheduled_at.desc(), Event.id.desc())
    )
    forms = [dict(row) for row in db.execute(query).mappings()]
    custom = answers_of_events(db, [form["event_id"] for form in forms])
    return [form | custom.get(form["event_id"], {}) for form in forms]


def form_answers(db: Session, event_id: UUID) -> dict[str, Any]:
    """What the form of an event answers, by question, with the version of the design that it was
    filed with (``config_version``); nothing where none was filed that the caller may see. What
    names a person is hidden from viewers.
    """
    columns = [getattr(PostCallForm, each.key) for each in QUESTIONS]
    shown = [visible(each) if is_hidden(each) else each for each in columns]
    query = select(*shown, PostCallForm.config_version)
    form = db.execute(query.where(PostCallForm.event_id == event_id)).mappings().first()
    return dict(form) | custom_answers(db, event_id) if form else {}


def timeline(db: Session, subjects: Sequence[UUID]) -> pd.DataFrame:
    """What happened to an event and its payments, or to other subjects, latest first. Columns: at
    (UTC), type, summary, subject_id.
    """
    lines = (
        select(Activity.at, Activity.type, Activity.summary, Activity.subject_id)
        # by both, since the timeline is indexed by both
        .where(Activity.subject_type.in_(SUBJECTS), Activity.subject_id.in_(subjects))
        .order_by(Activity.at.desc(), Activity.id)
    )
    return fetched(db.execute(lines))


def pending_forms(
    db: Session, *, overdue_only: bool = False, closer_user_id: UUID | None = None, limit: int = 500
) -> pd.DataFrame:
    """Past events whose form is missing, oldest first.

    Columns: those of ``events_page``, and overdue (bool): pending for longer than the
    organisation's grace period.
    """
    overdue = Event.scheduled_at < now() - func.make_interval(
        0, 0, 0, 0, BookingSettings.pcf_grace_hours
    )
    query = (
        _named(select(*_columns(), overdue.label("overdue")).select_from(Event))
        .join(BookingSettings, BookingSettings.organization_id == Event.organization_id)
        .where(
            Event.scheduled_at < now(),
            Event.stands,
            Event.pcf_submitted.is_(False),
            Event.deleted_at.is_(None),
        )
    )
    if overdue_only:
        query = query.where(overdue)
    if closer_user_id is not None:
        query = query.where(taken_by(closer_user_id))
    rows = db.execute(query.order_by(Event.scheduled_at, Event.id).limit(limit))
    return fetched(rows)


def events_in_period(db: Session, period: Period) -> list[Row[Any]]:
    """Events of ``period`` that the caller may see and that were neither cancelled nor moved,
    soonest first, with the link to join.
    """
    query = _named(select(*_columns(), visible(Event.meeting_url)).select_from(Event)).where(
        period.covers(Event.scheduled_at),
        Event.stands,
        Event.deleted_at.is_(None),
    )
    return list(db.execute(query.order_by(Event.scheduled_at, Event.id)))


def taken_by(user_id: UUID) -> ColumnElement[bool]:
    """Whose closer this user is, found by the closer, by whom events are indexed."""
    return Event.closer_id.in_(select(Closer.id).where(Closer.user_id == user_id))


def events_of_contact(
    db: Session, contact_id: UUID, *, other_than: UUID | None = None
) -> pd.DataFrame:
    """The bookings of one person, latest meeting first, without the event ``other_than``. Columns:
    those of ``events_page``.
    """
    columns = {column.key: column for column in _columns()}
    query = (
        _named(select(*columns.values()).select_from(Event))
        .where(Event.contact_id == contact_id, Event.deleted_at.is_(None))
        .order_by(Event.scheduled_at.desc(), Event.id.desc())
    )
    if other_than is not None:
        query = query.where(Event.id != other_than)
    return dataframe(list(db.execute(query)), [*columns])


def upcoming_events(
    db: Session, closer_user_id: UUID, *, since: datetime, days: int = 7
) -> list[Row[Any]]:
    """The closer's own events from ``since`` on, soonest first, with the link to join."""
    query = _named(
        select(*_columns(), visible(Event.meeting_url), Event.ends_at).select_from(Event)
    ).where(
        taken_by(closer_user_id),
        Event.scheduled_at >= since,
        Event.scheduled_at < since + timedelta(days=days),
        Event.stands,
        Event.deleted_at.is_(None),
    )
    return list(db.execute(query.order_by(Event.scheduled_at, Event.id)))
