"""The audit log by what was done: the lines of one transaction together, and what the product did
by itself together for each hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Case, ColumnElement, Row, String, case, cast, func, select
from sqlalchemy.orm import Session

from core.platform.models import AuditLog
from core.tenancy.access.audit import AuditFilter, conditions

# Actions are sought among so many of the latest lines: a night's attribution writes thousands.
LATEST = 5000
MOST_LINES = 50
BY_ITSELF = "system"


@dataclass(frozen=True)
class Action:
    """Lines that belong together: how many there are of each table and operation, and the first
    ``MOST_LINES`` of them, those of the most telling tables before the others.
    """

    key: str
    at: datetime
    began_at: datetime
    counts: dict[tuple[str, str], int]
    lines: list[Row[Any]]

    @property
    def is_automatic(self) -> bool:
        """Whether nobody did it."""
        return self.key.startswith("auto")


def _key() -> ColumnElement[str]:
    """What lines of one action share. Older lines do not know their transaction; what one person
    did within a second is taken for one.
    """
    who = func.coalesce(cast(AuditLog.actor_user_id, String), AuditLog.actor_role, "")
    automatic = AuditLog.actor_user_id.is_(None) & (AuditLog.actor_role == BY_ITSELF)
    moment = cast(func.date_trunc("second", AuditLog.at), String)
    return case(
        (automatic, "auto " + cast(func.date_trunc("hour", AuditLog.at), String)),
        else_=who + " " + func.coalesce(cast(AuditLog.transaction_id, String), moment),
    )


def _order(telling: Sequence[str]) -> Case[int]:
    places = {table: place for place, table in enumerate(telling)}
    return case(places, value=AuditLog.table_name, else_=len(places))


def actions(
    db: Session,
    chosen: AuditFilter,
    telling: Sequence[str],
    *,
    limit: int,
    before: datetime | None = None,
) -> list[Action]:
    """What was done, latest first, before an instant; ``telling`` are tables by whose lines an
    action is best known, the best first.
    """
    wanted = conditions(chosen) + ([AuditLog.at < before] if before else [])
    key = _key()
    latest = (
        select(AuditLog.id, AuditLog.at, AuditLog.table_name, AuditLog.operation, key.label("key"))
        .where(*wanted)
        .order_by(AuditLog.at.desc())
        .limit(LATEST)
        .cte("latest")
    )
    page = (
        select(latest.c.key)
        .group_by(latest.c.key)
        .order_by(func.max(latest.c.at).desc(), latest.c.key)
        .limit(limit)
    )
    counted = db.execute(
        select(
            latest.c.key,
            latest.c.table_name,
            latest.c.operation,
            func.count().label("lines"),
            func.max(latest.c.at).label("at"),
            func.min(latest.c.at).label("began_at"),
        )
        .where(latest.c.key.in_(page))
        .group_by(latest.c.key, latest.c.table_name, latest.c.operation)
    ).all()
    lines = _lines(db, wanted, telling, [row.began_at for row in counted])
    return sorted(_gathered(counted, lines), key=lambda each: (each.at, each.key), reverse=True)


def _lines(
    db: Session,
    wanted: list[ColumnElement[bool]],
    telling: Sequence[str],
    since: Sequence[datetime],
) -> Sequence[Row[Any]]:
    if not since:
        return ()
    key, order = _key(), _order(telling)
    place = func.row_number().over(partition_by=key, order_by=(order, AuditLog.at, AuditLog.id))
    columns = [each for each in AuditLog.__table__.c if each.name != "transaction_id"]
    ranked = (
        select(*columns, key.label("key"), place.label("place"))
        .where(*wanted, AuditLog.at >= min(since))
        .subquery()
    )
    first = select(ranked).where(ranked.c.place <= MOST_LINES)
    return db.execute(first.order_by(ranked.c.key, ranked.c.place)).all()


def _gathered(counted: Sequence[Row[Any]], lines: Sequence[Row[Any]]) -> list[Action]:
    of_key: dict[str, list[Row[Any]]] = {}
    for line in lines:
        of_key.setdefault(line.key, []).append(line)
    found: dict[str, list[Row[Any]]] = {}
    for row in counted:
        found.setdefault(row.key, []).append(row)
    return [
        Action(
            key,
            max(row.at for row in rows),
            min(row.began_at for row in rows),
            {(row.table_name, row.operation): row.lines for row in rows},
            of_key.get(key, []),
        )
        for key, rows in found.items()
    ]
