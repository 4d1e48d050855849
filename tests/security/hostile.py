"""An organisation in which every text that people or other systems write tries to be markup, a
formula or a command.

It is made from the models alone, so a new table or column is covered on the day it is added.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Table,
    Text,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.migrations.tables import metadata
from core.platform.schema import BY_PRODUCT, Words
from tests.security.rows import put

MARK = "ran.example"
HOSTILE = (
    '<img src=x onerror="window.ran=1" data-ran> <script data-ran>window.ran=1</script> <a'
    ' href="javascript:window.ran=1" data-ran>y</a> [x](javascript:window.ran=1)'
    " ![x](/app/static/favicon.png?ran) <https://ran.example> &lt;img src=x onerror=window.ran=1"
    " data-ran&gt; :material/home: :streamlit: :red[r] $a^2$ **b** `c` ~~d~~ who@ran.example"
    " www.ran.example HTTPS://ran.example mailto:me@ran.example"
)
ADDRESS = f"https://calls.example.com/{HOSTILE}"
FORMED = {"slug", "currency"}
ROWS = {
    "outbox": {"channel": "slack", "kind": "daily_report"},
    "webhook_connections": {"provider": "stripe"},
}
# A pair is of two: its other half is another row than the first.
APART = {("event_pairs", "other_id")}
# A choice has its words only beside its instant.
CHOSEN = text("update app.payments set chosen_at = now() where organization_id = :org")


def make_hostile(db: Connection, org: UUID) -> None:
    """Adds a row of ``org`` with hostile words in every text to every table. Must run as the
    database's superuser.
    """
    db.execute(text("set local session_replication_role = replica"))
    for table in metadata.sorted_tables:
        if "organization_id" in table.columns:
            _have_a_row(db, table, org)
    db.execute(CHOSEN, {"org": org})
    for table in metadata.sorted_tables:
        for column in table.columns:
            if _comes_from_outside(column):
                _spoil(db, table, column, org)


def know_by(db: Connection, table: str, org: UUID, token: str) -> None:
    """Makes ``token`` the token of every row of ``table``, so that a link with it works."""
    where = _whose(metadata.tables[f"app.{table}"])
    change = text(
        f"update app.{table} set token_hash = :hash, expires_at = now() + interval '1 hour' where"
        f" {where}"
    )
    db.execute(change, {"hash": hashlib.sha256(token.encode()).digest(), "org": org})


def _have_a_row(db: Connection, table: Table, org: UUID) -> None:
    if db.execute(
        text(f"select 1 from app.{table.name} where organization_id = :org limit 1"), {"org": org}
    ).first():
        return
    put(db, table, org)
    for key in table.foreign_key_constraints:
        if len(key.columns) == 2 and "CASE" not in str(key):
            _refer(db, table, key, org)
    for name, value in ROWS.get(table.name, {}).items():
        db.execute(
            text(f"update app.{table.name} set {name} = :value where organization_id = :org"),
            {"value": value, "org": org},
        )


def _refer(db: Connection, table: Table, key: ForeignKeyConstraint, org: UUID) -> None:
    """Makes the new row refer to rows that the organisation has."""
    column, there = key.column_keys[1], key.referred_table.name
    if there != table.name and (table.name, column) not in APART:
        db.execute(
            text(f"""
            update app.{table.name} set {column} = (select id from app.{there}
              where organization_id = :org limit 1)
             where organization_id = :org
        """),
            {"org": org},
        )


def _comes_from_outside(column: Column[Any]) -> bool:
    """Neither computed, nor the product's own, nor of a form that a check asks for."""
    by_product = isinstance(column.type, Words) or column.info.get(BY_PRODUCT)
    return not by_product and column.computed is None and column.name not in FORMED


def _whose(table: Table) -> str:
    """The condition that a row concerns the organisation ``:org``."""
    if table.name == "organizations":
        return "id = :org"
    if "organization_id" in table.columns and table.name != "sign_in_sessions":
        return "organization_id = :org"
    column = "id" if table.name == "users" else "user_id"
    return (
        f"{column} in (select user_id from app.organization_members where organization_id = :org)"
    )


def _spoil(db: Connection, table: Table, column: Column[Any], org: UUID) -> None:
    words = ADDRESS if column.name.endswith("_url") else HOSTILE
    if isinstance(column.type, JSONB):
        _spoil_document(db, table, column, org)
    elif isinstance(column.type, ARRAY) and isinstance(column.type.item_type, Text):
        _set(db, table, column, "array[:words]", org, words)
    elif isinstance(column.type, Text):
        _set(
            db,
            table,
            column,
            "cast(:words as text) || substr(gen_random_uuid()::text, 1, 4)",
            org,
            words,
        )


def _set(
    db: Connection, table: Table, column: Column[Any], value: str, org: UUID, words: str
) -> None:
    db.execute(
        text(f"update app.{table.name} set {column.name} = {value} where {_whose(table)}"),
        {"words": words, "org": org},
    )


def _spoil_document(db: Connection, table: Table, column: Column[Any], org: UUID) -> None:
    rows = db.execute(
        text(f"select ctid::text, {column.name} from app.{table.name} where {_whose(table)}"),
        {"org": org},
    ).all()
    change = text(
        f"update app.{table.name} set {column.name} = :value where ctid = cast(:ctid as tid)"
    ).bindparams(bindparam("value", type_=JSONB))
    for ctid, document in rows:
        value = [{"question": HOSTILE, "answer": HOSTILE}] if document == [] else _spoiled(document)
        db.execute(change, {"value": value, "ctid": ctid})


def _spoiled(part: Any) -> Any:
    """The document with hostile words in place of every text. Ids stay, since they refer to other
    rows.
    """
    if isinstance(part, dict):
        return {name: _spoiled(each) for name, each in part.items()}
    if isinstance(part, list):
        return [_spoiled(each) for each in part]
    return f"{HOSTILE}{uuid4().hex[:4]}" if isinstance(part, str) and not _is_id(part) else part


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True
