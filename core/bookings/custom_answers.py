"""Answers to the questions that the organisation itself has put on its post-call form. They are the
booking's, by the key of their question (``custom.budget``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.design import CUSTOM, OF_OPTIONS, FormDesign, Item, Option, currency_key
from core.bookings.designs import current_design, design_of
from core.bookings.form_answers import FormAnswers
from core.people.custom_fields import (
    FieldValue,
    checked,
    forget_values,
    hand_on_values,
    options_by_field,
    store_values,
    value_of,
)
from core.people.models import CustomFieldDefinition, CustomFieldValue, FieldKind, FieldSubject
from core.people.visibility import visible
from core.platform.errors import InvalidInput

EVENT = "event"  # whose they are, as the table of bookings calls itself


def checked_answers(
    design: FormDesign, answers: FormAnswers, given: Mapping[str, Any], currency: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """What is stored of the answers ``given``, and what is wrong with them, each by key. An answer
    to a question that is not asked after the other answers is none. Amounts are in ``currency``.
    """
    stored: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    standard = asdict(answers)
    for item in design.custom:
        if item.key not in given or item.key not in design.asked(standard | stored):
            continue
        try:
            stored[item.key] = _checked(item, given[item.key], currency)
        except InvalidInput as error:
            wrong[item.key] = error.message
    return stored, wrong


def check_known(db: Session, given: Mapping[str, Any]) -> None:
    """Raises InvalidInput for an answer to a question that the form does not ask: it would be lost
    without a word.
    """
    asked = {each.key for each in current_design(db).custom}
    for key in given:
        if key not in asked:
            raise InvalidInput("The form asks no such question.", field=key)


def _checked(item: Item, value: Any, currency: str) -> Any:
    assert item.kind is not None
    options = {each.id: each.name for each in item.options}
    if item.kind in OF_OPTIONS and isinstance(value, list):
        value = [each for each in value if each]
    return checked(item.kind, value, options, currency, item.key)


def store_answers(
    db: Session,
    event_id: UUID,
    design: FormDesign,
    stored: Mapping[str, Any],
    currencies: Mapping[str, str],
) -> None:
    """Store the answers to the design's questions; those that have none now are removed. Answers to
    questions that the design does not ask stay. Amounts are in ``currencies``, by key.
    """
    values = [
        FieldValue(UUID(item.id), item.kind, stored.get(item.key), currencies.get(item.key))
        for item in design.custom
        if item.kind is not None
    ]
    if values:
        store_values(db, EVENT, event_id, values)


def custom_answers(db: Session, event_id: UUID) -> dict[str, Any]:
    """The answers of a booking's form to the organisation's own questions, those that are no longer
    asked among them. What names a person is hidden from viewers.
    """
    found = answers_of_events(db, [event_id])
    return found.get(event_id, {})


def answers_of_events(db: Session, event_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The same for several bookings, by their ids."""
    columns = [
        each for each in CustomFieldValue.__table__.columns if each.name not in ("text_value",)
    ]
    query = (
        select(
            *columns,
            visible(CustomFieldValue.text_value),
            CustomFieldDefinition.key,
            CustomFieldDefinition.kind,
        )
        .join(CustomFieldDefinition, CustomFieldDefinition.id == CustomFieldValue.definition_id)
        .where(
            CustomFieldValue.subject_id.in_(event_ids),
            CustomFieldDefinition.subject == FieldSubject.FORM,
        )
    )
    found: dict[UUID, dict[str, Any]] = {}
    for row in db.execute(query):
        answer = value_of(FieldKind(row.kind), row)
        if answer is not None:
            found.setdefault(row.subject_id, {})[CUSTOM + row.key] = answer
            if row.currency:
                found[row.subject_id][currency_key(CUSTOM + row.key)] = row.currency
    return found


def currencies_of(design: FormDesign, given: Mapping[str, Any], currency: str) -> dict[str, str]:
    """The currency of each of the organisation's own amounts: the one that comes with the answer,
    else ``currency``.
    """
    amounts = [each.key for each in design.custom if each.kind == FieldKind.MONEY]
    return {key: given.get(currency_key(key)) or currency for key in amounts}


def forget_answers(db: Session, event_id: UUID) -> None:
    """Remove the answers of a form that is withdrawn; the audit log keeps them."""
    forget_values(db, event_id, _asked_by_forms(db))


def hand_on_answers(db: Session, from_id: UUID, to_id: UUID) -> None:
    """The answers of a booking's form go with it to another booking, which has none."""
    hand_on_values(db, from_id, to_id, _asked_by_forms(db))


def _asked_by_forms(db: Session) -> list[UUID]:
    own = select(CustomFieldDefinition.id).where(CustomFieldDefinition.subject == FieldSubject.FORM)
    return list(db.scalars(own))


def design_to_read(db: Session, version: int | None, answers: Mapping[str, Any]) -> FormDesign:
    """The design by which a form is read: that of the version which it was filed with, and after
    it the questions of earlier versions that the booking has answers to, as they are called now.
    """
    design = design_of(db, version)
    keys = [key for key in answers if key.startswith(CUSTOM) and " " not in key]
    others = [key.removeprefix(CUSTOM) for key in keys if key not in design.by_key]
    if not others:
        return design
    earlier = select(CustomFieldDefinition).where(
        CustomFieldDefinition.subject == FieldSubject.FORM, CustomFieldDefinition.key.in_(others)
    )
    rows = list(db.scalars(earlier.order_by(CustomFieldDefinition.label)))
    options = options_by_field(db, [each.id for each in rows])
    items = [
        Item(
            CUSTOM + row.key,
            label=f"{row.label} (asked earlier)",
            id=str(row.id),
            kind=row.kind,
            options=tuple(Option(str(each.id), each.name) for each in options.get(row.id, [])),
        )
        for row in rows
    ]
    return replace(design, items=(*design.items, *items))
