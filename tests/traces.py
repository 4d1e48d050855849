"""Finds text in the database: in any column of any table, as text, in JSON or in bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from tests.ports import owner

# Numbers, truth values, moments and ids hold no words; whatever else a column may be is looked
# into.
COLUMNS = text("""
    select c.table_schema, c.table_name, c.column_name, bool_or(o.column_name is not null)
      from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
      left join information_schema.columns o
             on (o.table_schema, o.table_name, o.column_name)
              = (c.table_schema, c.table_name, 'organization_id')
     where c.table_schema in ('app', 'jobs') and t.table_type = 'BASE TABLE'
       and c.data_type not in ('uuid', 'boolean', 'integer', 'bigint', 'smallint', 'numeric',
         'date', 'timestamp with time zone')
     group by 1, 2, 3 order by 1, 2, 3
""")


def traces(org: UUID, words: Iterable[str]) -> set[str]:
    """``table.column`` of every place that contains one of ``words`` in any case, among the
    organisation's rows and those of no organisation.
    """
    looked_for = [word.lower() for word in words]
    with owner() as db:
        return {
            f"{table}.{column}"
            for schema, table, column, is_tenants in db.execute(COLUMNS).all()
            if any(
                word in value
                for value in _values(db, f"{schema}.{table}", column, org if is_tenants else None)
                for word in looked_for
            )
        }


def _values(db: Connection, table: str, column: str, org: UUID | None) -> Iterator[str]:
    where = "where organization_id = :org" if org else ""
    for value in db.execute(
        text(f"select {column} from {table} {where}"), {"org": org} if org else {}
    ).scalars():
        yield _words_of(value).lower()


def _words_of(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        raw = bytes(value).decode("utf-8", "replace")
        try:
            return raw + json.dumps(json.loads(raw), ensure_ascii=False)
        except ValueError:
            return raw
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
