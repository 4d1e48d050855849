"""Changes of setters, and the reassignment of the events that mention them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Text,
    cast,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from core.bookings.following import let_payments_follow
from core.bookings.models import BookingSettings, Event, Setter, UtmField
from core.bookings.roster import (
    checked,
    match_setter,
    setter_mentions,
    setters_in_order,
    words_of,
)
from core.people.models import Lead
from core.platform.advisory_locks import lock_books
from core.platform.errors import Conflict, NotFound
from core.platform.normalization import fold
from core.tenancy.organizations.queries import settings_of


def change_setter(
    db: Session,
    setter_id: UUID,
    *,
    name: str,
    email: str | None,
    aliases: Sequence[str],
    user_id: UUID | None,
    active: bool,
) -> int:
    """Change a setter; returns the number of events that changed hands. Events that mention the
    setter by a new name or address become theirs, those that mentioned a removed one are matched
    again, and payments follow.

    A new name keeps the old one as an alias, since bookings go on mentioning it.

    Raises:
        NotFound: no such setter.
        InvalidInput: no name, or an invalid address.
        Conflict: another setter has this name.
    """
    lock_books(db)
    setter = db.scalars(select(Setter).where(Setter.id == setter_id)).first()
    if setter is None:
        raise NotFound("There is no such setter.")
    before = words_of(setter)
    renamed = (
        [setter.name]
        if fold(setter.name) != fold(name) and fold(setter.name) not in map(fold, aliases)
        else []
    )
    facts = checked(name, email, dict.fromkeys([*aliases, *renamed]))
    _refuse_taken_names(db, setter_id, facts)
    for column, value in facts.items():
        setattr(setter, column, value)
    setter.user_id, setter.active = user_id, active
    db.flush()
    return rematch_setters(db, before ^ words_of(setter))


def name_setter(db: Session, mention: str, setter_id: UUID) -> int:
    """Make ``mention`` an alias of this setter, also for earlier bookings. Raises NotFound."""
    lock_books(db)
    setter = db.scalars(select(Setter).where(Setter.id == setter_id)).first()
    if setter is None:
        raise NotFound("There is no such setter.")
    return change_setter(
        db,
        setter_id,
        name=setter.name,
        email=setter.email,
        aliases=[*setter.aliases, mention],
        user_id=setter.user_id,
        active=setter.active,
    )


def rematch_setters(db: Session, words: Iterable[str]) -> int:
    """Match every event that is booked by one of ``words`` (folded) again, and what it was moved
    to; how many changed hands.

    An event is matched by what its own booking mentions. Where the booking mentions nobody, the
    event keeps its setter.
    """
    if not (wanted := {word for word in words if word}):
        return 0
    lock_books(db)
    named_in = settings_of(db, BookingSettings)
    changed: list[UUID] = []
    setters = setters_in_order(db)
    matched: dict[str, Setter | None] = {}
    for event in list(db.scalars(_naming(db, named_in, wanted))):
        mentions = setter_mentions(
            {part: getattr(event, part) for part in UtmField}, event.answers, named_in
        )
        if not mentions and event.setter_id is None and event.setter_name:
            mentions = [event.setter_name]
        for mention in mentions:
            if mention not in matched:
                matched[mention] = match_setter(setters, mention)
        if mentions:
            found = next(
                ((mention, matched[mention]) for mention in mentions if matched[mention]),
                (mentions[0], None),
            )
            changed += _hand_over(db, event, *found)
    let_payments_follow(db, changed)
    return len(changed)


def _naming(db: Session, named_in: BookingSettings, words: set[str]) -> Any:
    """The events whose booking mentions one of ``words``, without those that replaced another: they
    follow it.
    """
    moved, unknown = aliased(Event), Event.setter_id.is_(None)
    tracked: InstrumentedAttribute[str | None] = getattr(Event, named_in.setter_utm_field)
    says: list[ColumnElement[bool]] = [
        tracked.in_(_spelled(db, tracked, words)),
        unknown & Event.setter_name.in_(_spelled(db, Event.setter_name, words, unknown)),
    ]
    if named_in.setter_question:
        answer = func.jsonb_array_elements(Event.answers).table_valued("value")
        text = cast(answer.c.value.op("->>")("answer"), Text)
        given = select(text).select_from(Event).join(answer, true()).distinct()
        spelled = [each for each in db.scalars(given) if fold(each) in words]
        says.append(select(true()).select_from(answer).where(text.in_(spelled)).exists())
    first = (
        ~select(moved.id)
        .where(
            moved.organization_id == Event.organization_id,
            moved.rescheduled_to_id == Event.id,
        )
        .exists()
    )
    return select(Event).where(or_(*says), first).order_by(Event.booked_at, Event.id)


def _spelled(
    db: Session,
    column: InstrumentedAttribute[str | None],
    words: set[str],
    *conditions: ColumnElement[bool],
) -> list[str]:
    """The texts in a column that are one of ``words`` when they are folded, which Python does: the
    database compares letter by letter.
    """
    texts = db.scalars(select(column).where(column.is_not(None), *conditions).distinct())
    return [text for text in texts if text is not None and fold(text) in words]


def _hand_over(db: Session, event: Event, mention: str, setter: Setter | None) -> list[UUID]:
    """Assign the event, and those that it was moved to, to the setter or to nobody; returns the
    events that changed hands.
    """
    to, name, changed, seen = (
        setter.id if setter else None,
        setter.name if setter else mention,
        [],
        set[UUID](),
    )
    link: Event | None = event
    while link is not None and link.id not in seen:
        seen.add(link.id)
        if link.setter_id != to:
            link.setter_id, link.setter_name = to, name
            changed.append(link.id)
        link = (
            db.get(Event, (link.organization_id, link.rescheduled_to_id))
            if link.rescheduled_to_id
            else None
        )
    db.flush()
    lead = db.get(Lead, (event.organization_id, event.lead_id)) if event.lead_id else None
    if lead is not None and changed:
        for column in ("original_setter_name", "current_setter_name"):
            if fold(getattr(lead, column)) == fold(mention):
                setattr(lead, column, name)
        db.flush()
    return changed


def _refuse_taken_names(db: Session, setter_id: UUID | None, facts: dict[str, Any]) -> None:
    wanted = {fold(word): word for word in (facts["name"], *facts["aliases"])}
    for other in db.scalars(select(Setter).where(Setter.id != setter_id)):
        if taken := words_of(other) & set(wanted):
            raise Conflict(
                f"“{wanted[taken.pop()]}” already means {other.name}; take it from them first."
            )
