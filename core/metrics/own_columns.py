"""Columns of exports for the fields that an organisation has defined itself: each is there as soon
as it is defined, and stays when it is asked no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.metrics.export_columns import ExportTable, OwnColumn
from core.people.models import CustomFieldDefinition, FieldKind, FieldSubject

# Of which subject a table's rows have fields, and the column with that row's id.
SUBJECTS = {"post_call_forms": (FieldSubject.FORM, "event_id")}
_OPTIONS = "app.custom_field_options o where o.organization_id = answer.organization_id and o.id"
VALUES = {
    FieldKind.TEXT: "answer.text_value",
    FieldKind.LONG_TEXT: "answer.text_value",
    FieldKind.NUMBER: "answer.number_value::double precision",
    FieldKind.RATING: "answer.number_value::int",
    FieldKind.MONEY: "answer.amount",
    FieldKind.SELECT: f"(select o.name from {_OPTIONS} = answer.option_ids[1])",
    FieldKind.MULTI_SELECT: "(select string_agg(o.name, ', ' order by o.position, o.name) from"
    f" {_OPTIONS} = any(answer.option_ids))",
    FieldKind.DATE: "answer.day",
    FieldKind.YES_NO: "answer.flag",
}
TEXTS = (FieldKind.TEXT, FieldKind.LONG_TEXT)


def with_own_columns(db: Session, table: ExportTable) -> ExportTable:
    """The table with a column for each of the organisation's own fields behind its others, and
    behind an amount its currency.
    """
    if table.name not in SUBJECTS:
        return table
    subject, column = SUBJECTS[table.name]
    defined = CustomFieldDefinition
    rows = db.scalars(
        select(defined)
        .where(defined.subject == subject)
        .order_by(defined.active.desc(), defined.position, defined.label)
    )
    taken = {table.heading(name) for name in table.names}
    own: dict[str, OwnColumn] = {}
    for row in rows:
        heading = row.label if row.label not in taken else f"{row.label} ({row.key})"
        taken.add(heading)
        own |= dict(_columns(row, heading, f"{table.name}.{column}", table.name))
    return replace(table, own=own)


def _columns(
    row: CustomFieldDefinition, heading: str, subject_id: str, table: str
) -> Iterator[tuple[str, OwnColumn]]:
    source = f"""app.custom_field_values answer
        where answer.organization_id = {table}.organization_id
          and answer.subject_id = {subject_id} and answer.definition_id = '{row.id}'"""
    name = f"{row.subject}_{row.key}"
    yield (
        name,
        OwnColumn(
            heading,
            VALUES[row.kind],
            source,
            is_text=row.kind in (*TEXTS, FieldKind.SELECT, FieldKind.MULTI_SELECT),
            is_number=row.kind in (FieldKind.NUMBER, FieldKind.MONEY),
            is_money=row.kind == FieldKind.MONEY,
            is_truth=row.kind == FieldKind.YES_NO,
            is_hidden=row.kind in TEXTS,
        ),
    )
    if row.kind == FieldKind.MONEY:
        currency = OwnColumn(f"{heading}: currency", "answer.currency", source, is_text=True)
        yield f"{name}_currency", currency
