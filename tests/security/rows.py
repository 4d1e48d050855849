"""One row of any table, made from the catalogue alone, so that a new table is covered on the day it
is added.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from core.platform.schema import Words

NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)
BY_TYPE = {
    UUID: uuid4,
    str: lambda: f"x{uuid4().hex[:8]}",
    bool: lambda: False,
    int: lambda: 1,
    Decimal: lambda: Decimal(1),
    datetime: lambda: NOON,
    date: NOON.date,
    bytes: lambda: uuid4().bytes,
    list: list,
}
WORDS = {"currency": "USD", "slug": "any-slug", "timezone": "UTC", "locale": "en_US"}


def put(db: Connection, table: Table, org: UUID) -> None:
    """Insert a row of ``org`` as the database's superuser, in a transaction where triggers and
    references are off.
    """
    values = {
        column.name: _value(column, org)
        for column in table.columns
        if (not column.nullable or column.name == "organization_id") and column.computed is None
    }
    if table.name == "organizations":
        values |= {"id": org, "slug": f"team-{org}"}
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    db.execute(text(f"insert into app.{table.name} ({names}) values ({places})"), values)


def _value(column, org):
    if column.name == "organization_id":
        return org
    if isinstance(column.type, Words):
        return str(column.type.members[0])
    if column.name in WORDS:
        return WORDS[column.name]
    if isinstance(column.type, JSONB):
        return "{}"
    return BY_TYPE[column.type.python_type]()
