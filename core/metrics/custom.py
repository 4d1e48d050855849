"""Fields that an organisation has defined itself, as dimensions: those whose values are a few
words. Each is there as soon as it is defined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.metrics.dimensions import DIMENSIONS, FILTERS, CustomField, Dimension, YesNo
from core.metrics.filters import Filters, Wanted
from core.people.models import CustomFieldDefinition, FieldKind, FieldSubject
from core.platform.errors import InvalidInput

CUSTOM_DIMENSIONS = "dimensions of the organisation's own fields"
KINDS = (FieldKind.SELECT, FieldKind.MULTI_SELECT, FieldKind.YES_NO)


def starts_custom(key: str) -> bool:
    """Whether a field of an organisation's own may bear this key."""
    return key.startswith(tuple(f"{subject}_" for subject in FieldSubject))


def custom_dimensions(db: Session) -> Mapping[str, Dimension]:
    """The dimensions of the organisation's own fields by key, ``form_budget`` for a question of the
    post-call form; also of those that are asked no more, whose answers stay. Read once per
    transaction.
    """
    if CUSTOM_DIMENSIONS not in db.info:
        defined = CustomFieldDefinition
        rows = db.scalars(
            select(defined)
            .where(defined.kind.in_(KINDS))
            .order_by(defined.active.desc(), defined.position, defined.label)
        )
        made = map(_dimension, rows)
        db.info[CUSTOM_DIMENSIONS] = {each.key: each for each in made if each.key not in DIMENSIONS}
    found: Mapping[str, Dimension] = db.info[CUSTOM_DIMENSIONS]
    return found


def _dimension(row: CustomFieldDefinition) -> Dimension:
    has_options = row.kind != FieldKind.YES_NO
    return Dimension(
        f"{row.subject}_{row.key}",
        row.label,
        "uuid" if has_options else "text",
        names="custom_field_options" if has_options else None,
        words=None if has_options else YesNo,
        is_result=row.subject == FieldSubject.FORM,
        field=CustomField(
            row.id, str(row.subject), has_options, row.kind == FieldKind.MULTI_SELECT
        ),
    )


def dimensions_to_narrow(db: Session) -> Mapping[str, Dimension]:
    """All dimensions that figures can be narrowed to."""
    return {**FILTERS, **custom_dimensions(db)}


def filters_of(db: Session, wanted: Mapping[str, Sequence[Wanted]]) -> Filters:
    """The filters of these values, by the product's dimensions and the organisation's own."""
    return Filters(wanted, _used(db, wanted))


def _used(db: Session, keys: Mapping[str, object]) -> dict[str, Dimension]:
    return {key: each for key, each in custom_dimensions(db).items() if key in keys}


def dimension_to_group(db: Session, key: str) -> Dimension:
    """The dimension that figures are grouped by. Raises InvalidInput for one that does not exist,
    and for one of which a row may have several values: it would count in each of them.
    """
    offered = {**DIMENSIONS, **custom_dimensions(db)}
    if key not in offered:
        raise InvalidInput(f"“{key}” is not a dimension; use {', '.join(offered)}.", field="by")
    if (own := offered[key].field) and own.is_several:
        raise InvalidInput(
            f"“{offered[key].label}” can have several answers, so a booking would count in each of"
            f" them. Narrow to one of them with filter.{key} instead.",
            field="by",
        )
    return offered[key]
