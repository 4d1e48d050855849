"""Values of the fields that an organisation has defined itself: checked by the field's type, and
stored in the column of that type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.people.models import CustomFieldDefinition, CustomFieldOption, CustomFieldValue, FieldKind
from core.platform.database import organization_id_of
from core.platform.errors import InvalidInput
from core.platform.money import check_currency, parse_amount
from core.platform.names import check_sentence, check_text
from core.platform.normalization import fold

STARS = range(1, 6)
LARGEST = Decimal(10) ** 15
YEARS = range(1900, 2200)
COLUMNS = {
    FieldKind.TEXT: "text_value",
    FieldKind.LONG_TEXT: "text_value",
    FieldKind.NUMBER: "number_value",
    FieldKind.RATING: "number_value",
    FieldKind.MONEY: "amount",
    FieldKind.SELECT: "option_ids",
    FieldKind.MULTI_SELECT: "option_ids",
    FieldKind.DATE: "day",
    FieldKind.YES_NO: "flag",
}


@dataclass(frozen=True)
class FieldValue:
    """What somebody answered; ``value`` is as ``checked`` gives it."""

    definition_id: UUID
    kind: FieldKind
    value: Any
    currency: str | None = None


def checked(
    kind: FieldKind, value: Any, options: Mapping[str, str], currency: str, field: str
) -> Any:
    """A value as it is stored, by the field's type: a text, a Decimal, an int for a rating, a date,
    a bool, the id of an option, or a list of those ids; None for nothing. ``options`` are the names
    of what can be chosen by id, and either may be given; amounts are in ``currency``.

    Raises InvalidInput that names ``field``.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return CHECKS[kind](value, options, currency, field)


def _text(value: Any, *given: Any) -> str | None:
    if not isinstance(value, str):
        raise InvalidInput("This must be a text.", field=given[-1])
    return check_sentence(value, field=given[-1]) or None


def _lines(value: Any, *given: Any) -> str | None:
    if not isinstance(value, str):
        raise InvalidInput("This must be a text.", field=given[-1])
    return check_text(value, field=given[-1]) or None


def _number(value: Any, *given: Any) -> Decimal:
    wrong = InvalidInput("This must be a number like 12 or 12.5.", field=given[-1])
    try:
        number = Decimal(str(value).strip().replace("\u2212", "-"))
    except InvalidOperation:
        raise wrong from None
    if isinstance(value, bool) or not number.is_finite() or abs(number) >= LARGEST:
        raise wrong
    return number


def _rating(value: Any, *given: Any) -> int:
    if isinstance(value, bool) or str(value) not in map(str, STARS):
        raise InvalidInput("A rating is a whole number from 1 to 5.", field=given[-1])
    return int(value)


def _amount(value: Any, _: Mapping[str, str], currency: str, field: str) -> Decimal:
    if isinstance(value, bool):
        raise InvalidInput("This must be an amount like 4997.00.", field=field)
    return parse_amount(str(value), check_currency(currency), field=field)


def _day(value: Any, *given: Any) -> date:
    wrong = InvalidInput("This must be a day like 2026-11-02.", field=given[-1])
    try:
        day = value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise wrong from None
    if day.year not in YEARS:
        raise wrong
    return day


def _flag(value: Any, *given: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("This must be true or false.", field=given[-1])
    return value


def _option(value: Any, options: Mapping[str, str], _: str, field: str) -> str:
    found = [
        id_ for id_, name in options.items() if str(value) == id_ or fold(str(value)) == fold(name)
    ]
    if not found:
        raise InvalidInput(f"Choose one of {', '.join(options.values())}.", field=field)
    return found[0]


def _several(value: Any, options: Mapping[str, str], currency: str, field: str) -> list[str] | None:
    if not isinstance(value, list | tuple):
        raise InvalidInput("This must be a list of what can be chosen.", field=field)
    chosen = {_option(each, options, currency, field) for each in value}
    return [id_ for id_ in options if id_ in chosen] or None


CHECKS: Mapping[FieldKind, Callable[[Any, Mapping[str, str], str, str], Any]] = {
    FieldKind.TEXT: _text,
    FieldKind.LONG_TEXT: _lines,
    FieldKind.NUMBER: _number,
    FieldKind.MONEY: _amount,
    FieldKind.SELECT: _option,
    FieldKind.MULTI_SELECT: _several,
    FieldKind.DATE: _day,
    FieldKind.YES_NO: _flag,
    FieldKind.RATING: _rating,
}


def store_values(
    db: Session, subject_type: str, subject_id: UUID, values: Sequence[FieldValue]
) -> None:
    """Store what a subject has for these fields, nothing where a value is None; its other fields
    stay. The caller holds the lock on the books.
    """
    ids = [each.definition_id for each in values]
    of_it = CustomFieldValue.subject_id == subject_id
    known = {
        row.definition_id: row
        for row in db.scalars(
            select(CustomFieldValue).where(of_it, CustomFieldValue.definition_id.in_(ids))
        )
    }
    for each in values:
        row = known.get(each.definition_id)
        if each.value is None:
            if row is not None:
                db.delete(row)
            continue
        if row is None:
            row = CustomFieldValue(
                organization_id=organization_id_of(db),
                definition_id=each.definition_id,
                subject_type=subject_type,
                subject_id=subject_id,
            )
            db.add(row)
        setattr(row, COLUMNS[each.kind], _stored(each))
        row.currency = each.currency if each.kind == FieldKind.MONEY else None
    db.flush()


def _stored(each: FieldValue) -> Any:
    if each.kind == FieldKind.SELECT:
        return [UUID(each.value)]
    if each.kind == FieldKind.MULTI_SELECT:
        return [UUID(one) for one in each.value]
    return Decimal(each.value) if each.kind == FieldKind.RATING else each.value


def value_of(kind: FieldKind, row: Any) -> Any:
    """What a row of values holds for a field of this type, as ``checked`` gives it."""
    stored = getattr(row, COLUMNS[kind])
    if kind == FieldKind.SELECT:
        return str(stored[0]) if stored else None
    if kind == FieldKind.MULTI_SELECT:
        return [str(one) for one in stored]
    return int(stored) if kind == FieldKind.RATING and stored is not None else stored


def forget_values(db: Session, subject_id: UUID, definition_ids: Sequence[UUID]) -> None:
    """Remove what a subject has for these fields."""
    db.execute(
        delete(CustomFieldValue).where(
            CustomFieldValue.subject_id == subject_id,
            CustomFieldValue.definition_id.in_(definition_ids),
        )
    )


def hand_on_values(db: Session, from_id: UUID, to_id: UUID, definition_ids: Sequence[UUID]) -> None:
    """What a subject has for these fields is another one's, of the same kind, that has none."""
    db.execute(
        update(CustomFieldValue)
        .where(
            CustomFieldValue.subject_id == from_id,
            CustomFieldValue.definition_id.in_(definition_ids),
        )
        .values(subject_id=to_id)
    )


def definitions(db: Session, subject: str) -> list[CustomFieldDefinition]:
    """The fields that were defined for a subject, also those that are no longer in use, in their
    order.
    """
    found = CustomFieldDefinition
    wanted = select(found).where(found.subject == subject)
    return list(db.scalars(wanted.order_by(found.active.desc(), found.position, found.label)))


def options_by_field(
    db: Session, definition_ids: Sequence[UUID]
) -> dict[UUID, list[CustomFieldOption]]:
    """The options of these fields in their order, also those that are no longer offered."""
    found: dict[UUID, list[CustomFieldOption]] = {}
    option = CustomFieldOption
    wanted = select(option).where(option.definition_id.in_(definition_ids))
    for each in db.scalars(wanted.order_by(option.position, option.name)):
        found.setdefault(each.definition_id, []).append(each)
    return found
