"""The audit log by what was done: the lines of one transaction together, and what the product did
by itself together for each hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Case, ColumnElement, Row, String, and_, case, cast, func, or_, select, true
from sqlalchemy.orm import Session

from core.platform.models import AuditLog
from core.tenancy.access.audit import AuditFilter, conditions

# Actions are sought among so many of the latest lines: a night's attribution writes thousands.
LATEST = 5000
MOST_LINES = 50
BY_ITSELF = "system"


@dataclass(frozen=True)
class Headline:
    """Lines by which an action is known: those of a table, and where these are given, of one
    operation that gave one of the columns a value.

    ``words`` say the whole of what was done, with ``{what}`` for the row, a column in braces for
    the name that stands in it, and ``{columns}`` for those that changed; without words the line is
    put together from its operation and its table.
    """

    table: str
    operation: str | None = None
    columns: tuple[str, ...] = ()
    words: str = ""

    def fits(self) -> ColumnElement[bool]:
        """That a line of the log is one of these."""
        given = (AuditLog.changes[(column, "1")].astext.is_not(None) for column in self.columns)
        return and_(
            AuditLog.table_name == self.table,
            AuditLog.operation == self.operation if self.operation else true(),
            or_(*given) if self.columns else true(),
        )


@dataclass(frozen=True)
class Action:
    """Lines that belong together: how many there are of each table and operation, and the first
    ``MOST_LINES`` of them, the most telling before the others. ``headline`` is what the first of
    them is, if it is any.
    """

    key: str
    at: datetime
    began_at: datetime
    counts: dict[tuple[str, str], int]
    lines: list[Row[Any]]
    headline: Headline | None

    @property
    def is_automatic(self) -> bool:
        """Whether nobody did it."""
        return self.key.startswith("auto")

    def and_before(self, earlier: Action) -> Action:
        """Both as one, where the other came right before this one."""
        keys = dict.fromkeys((*self.counts, *earlier.counts))
        return replace(
            self,
            began_at=earlier.began_at,
            counts={key: self.counts.get(key, 0) + earlier.counts.get(key, 0) for key in keys},
            lines=[*self.lines, *earlier.lines][:MOST_LINES],
        )


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


def _order(telling: Sequence[Headline]) -> Case[int]:
    places = ((each.fits(), place) for place, each in enumerate(telling))
    return case(*places, else_=len(telling))


def actions(
    db: Session,
    chosen: AuditFilter,
    telling: Sequence[Headline],
    *,
    limit: int,
    before: datetime | None = None,
) -> list[Action]:
    """What was done, latest first, before an instant; ``telling`` are the lines by which an
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
    return sorted(
        _gathered(counted, lines, telling), key=lambda each: (each.at, each.key), reverse=True
    )


def _lines(
    db: Session,
    wanted: list[ColumnElement[bool]],
    telling: Sequence[Headline],
    since: Sequence[datetime],
) -> Sequence[Row[Any]]:
    if not since:
        return ()
    key, order = _key(), _order(telling)
    place = func.row_number().over(partition_by=key, order_by=(order, AuditLog.at, AuditLog.id))
    columns = [each for each in AuditLog.__table__.c if each.name != "transaction_id"]
    ranked = (
        select(*columns, key.label("key"), place.label("place"), order.label("headline"))
        .where(*wanted, AuditLog.at >= min(since))
        .subquery()
    )
    first = select(ranked).where(ranked.c.place <= MOST_LINES)
    return db.execute(first.order_by(ranked.c.key, ranked.c.place)).all()


def _gathered(
    counted: Sequence[Row[Any]], lines: Sequence[Row[Any]], telling: Sequence[Headline]
) -> list[Action]:
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
            _headline(of_key.get(key, []), telling),
        )
        for key, rows in found.items()
    ]


def _headline(lines: Sequence[Row[Any]], telling: Sequence[Headline]) -> Headline | None:
    if not lines or lines[0].headline == len(telling):
        return None
    return telling[lines[0].headline]
