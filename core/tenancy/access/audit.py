"""Reading the audit log: filtered, newest first, with names in place of ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, Text, cast, func, select, text
from sqlalchemy.orm import Session

from core.platform.audit_words import TAKEN
from core.platform.clock import Period
from core.platform.labels import capitalized
from core.platform.link_roles import LINK_ROLES
from core.platform.models import AuditLog
from core.platform.paging import Order, sorted_by
from core.platform.schema import LABEL, USER, Base, words_of
from core.tenancy.access.audit_kinds import DOWNLOADS, tables_by_kind
from core.tenancy.access.models import OrganizationMember

MASKED = "…"
# How the log names programs, which act without being a user, by the role of their transaction.
PROGRAMS = {"system": "Automatic", "admin": "API key"}
NOBODY = "Installation"
FORMER = "Former member"


def actors() -> dict[str, str]:
    """How the log names everybody who acts without being a user, links among them."""
    return PROGRAMS | {each.name: each.actor for each in LINK_ROLES.values() if each.actor}


@dataclass(frozen=True)
class AuditFilter:
    """The filters of the log. ``program`` is a role in ``actors()``; ``kind`` is one of ``KINDS``;
    ``by_people`` leaves out what no user did; ``everywhere``, for super admins only, means all
    organisations.
    """

    period: Period | None = None
    actor_id: UUID | None = None
    program: str | None = None
    table: str | None = None
    operation: str | None = None
    row_id: str | None = None
    kind: str | None = None
    by_people: bool = False
    everywhere: bool = False


def conditions(chosen: AuditFilter) -> list[ColumnElement[bool]]:
    """What a line has to fulfil."""
    wanted_of: list[ColumnElement[bool]] = (
        [] if chosen.everywhere else [AuditLog.organization_id == func.app.cur_org()]
    )
    if chosen.period is not None:
        wanted_of.append(chosen.period.covers(AuditLog.at))
    if chosen.program is not None:
        wanted_of += [AuditLog.actor_user_id.is_(None), AuditLog.actor_role == chosen.program]
    if chosen.by_people:
        wanted_of.append(AuditLog.actor_user_id.is_not(None))
    if chosen.kind == DOWNLOADS:
        wanted_of.append(AuditLog.operation.in_(TAKEN))
    elif chosen.kind is not None:
        of_kind = tables_by_kind().get(chosen.kind, ())
        wanted_of += [AuditLog.table_name.in_(of_kind), AuditLog.operation.not_in(TAKEN)]
    wanted = {
        AuditLog.actor_user_id: chosen.actor_id,
        AuditLog.table_name: chosen.table,
        AuditLog.operation: chosen.operation,
        AuditLog.row_id: chosen.row_id,
    }
    return wanted_of + [column == value for column, value in wanted.items() if value is not None]


ORDERED = ("at", "who", "what", "row")


def audit_lines(
    db: Session, chosen: AuditFilter, *, order: Order | None, limit: int, offset: int
) -> list[Row[Any]]:
    """Lines of the log that the caller may read, by one of ``ORDERED`` or newest first.

    Columns: id, organization_id, at, actor_user_id, actor_role, table_name, row_id, operation,
    changes.
    """
    query = (
        select(
            AuditLog.id,
            AuditLog.organization_id,
            AuditLog.at,
            AuditLog.actor_user_id,
            AuditLog.actor_role,
            AuditLog.table_name,
            AuditLog.row_id,
            AuditLog.operation,
            AuditLog.changes,
        )
        .outerjoin(
            OrganizationMember,
            (OrganizationMember.organization_id == AuditLog.organization_id)
            & (OrganizationMember.user_id == AuditLog.actor_user_id),
        )
        .where(*conditions(chosen))
    )
    columns = {
        "at": AuditLog.at,
        "who": func.coalesce(OrganizationMember.name, AuditLog.actor_role),
        "what": AuditLog.table_name + " " + AuditLog.operation,
        "row": AuditLog.row_id,
    }
    rows = sorted_by(query, columns, order, usual=AuditLog.at.desc(), newest=AuditLog.id)
    return list(db.execute(rows.limit(limit).offset(offset)))


def latest_exports(db: Session, limit: int) -> list[Row[Any]]:
    """What was taken out of the organisation last, newest first, as far as the caller may read the
    log. Columns: at, actor_user_id, actor_role, table_name, changes.
    """
    query = select(
        AuditLog.at,
        AuditLog.actor_user_id,
        AuditLog.actor_role,
        AuditLog.table_name,
        AuditLog.changes,
    ).where(*conditions(AuditFilter()), AuditLog.operation.in_(TAKEN))
    return list(db.execute(query.order_by(AuditLog.at.desc(), AuditLog.id).limit(limit)))


def count_audit_lines(db: Session, chosen: AuditFilter) -> int:
    """The number of lines that the caller may read."""
    return db.scalars(select(func.count()).select_from(AuditLog).where(*conditions(chosen))).one()


def people(db: Session, *, everywhere: bool) -> dict[UUID, str]:
    """Names of users by id: the organisation's members, or with ``everywhere`` everybody whom the
    caller may see.
    """
    rows = db.execute(
        text("""
        select user_id, name from app.organization_members where organization_id = app.cur_org()
         union select id, name from app.users where :everywhere order by 2
    """),
        {"everywhere": everywhere},
    )
    return {row.user_id: row.name for row in rows}


@cache
def named_columns() -> Mapping[str, str]:
    """The columns that refer to a table whose rows have names, with that table's name."""
    known = Base.metadata.tables
    referred = {
        key.column_keys[-1]: known.get(key.elements[-1].target_fullname.rpartition(".")[0])
        for table in known.values()
        for key in table.foreign_key_constraints
        if len(key.column_keys) == 2
    }
    return {
        column: table.name
        for column, table in referred.items()
        if table is not None and "name" in table.columns
    }


def names_in(db: Session, lines: Iterable[Row[Any]]) -> dict[str, str]:
    """The names behind the ids in the lines' changes, as far as the caller may see them."""
    named = _named_tables()
    wanted: dict[Table, set[str]] = {}
    for line in lines:
        for column, values in line.changes.items():
            if column in named and isinstance(values, list):
                wanted.setdefault(named[column], set()).update(value for value in values if value)
    names = {str(user_id): name for user_id, name in people(db, everywhere=True).items()}
    for table, ids in wanted.items():
        row_id = cast(table.c.id, Text)
        found = db.execute(select(row_id, table.c.name).where(row_id.in_(sorted(ids))))
        names |= {key: name for key, name in found.all()}  # noqa: C416 - rows are no pairs to mypy
    return names


def _named_tables() -> dict[str, Table]:
    """By column name, the table that the column refers to, where that table's rows have names."""
    keys = [key for table in Base.metadata.sorted_tables for key in table.foreign_keys]
    return {
        key.parent.name: key.column.table
        for key in keys
        if key.column.name == "id" and "name" in key.column.table.c and not is_user(key.parent.name)
    }


def actor(line: Row[Any], names: Mapping[str, str]) -> str:
    """The name of whoever made the change."""
    if line.actor_user_id is not None:
        return names.get(str(line.actor_user_id), FORMER)
    return actors().get(line.actor_role or "", NOBODY)


def is_user(column: str) -> bool:
    """Whether the column holds the id of a user."""
    return column == "user_id" or column.endswith("_user_id") or column in _facts(USER)


def table_label(table: str) -> str:
    """What people call the rows of a table."""
    known = Base.metadata.tables.get(f"app.{table}")
    label: str | None = known.info["label"] if known is not None else None
    return label or capitalized(table)


def column_label(column: str) -> str:
    """``lead_name`` as ``Lead name``; an id is shown as a name, so its column is called by it."""
    name = column.removesuffix("_id").removesuffix("_normalized")
    return _facts(LABEL).get(column) or capitalized(name)


@cache
def word_columns() -> Mapping[str, Mapping[str, str]]:
    """The columns that hold words of the code, by name: what people read for each word."""
    found: dict[str, dict[str, str]] = {}
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if (in_words := words_of(column)) is not None:
                found.setdefault(column.name, {}).update(in_words)
    return found


@cache
def _facts(fact: str) -> Mapping[str, Any]:
    """What the tables' columns declare, by the column's name."""
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    return {column.name: column.info[fact] for column in columns if fact in column.info}
