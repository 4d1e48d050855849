"""Who a person from outside is, is not for viewers, leaderboards and shared dashboards."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, null
from sqlalchemy.orm import InstrumentedAttribute

from core.platform.errors import Misconfigured
from core.platform.personal import personal_of

WITHOUT_PERSONS = ("viewer", "board", "share", "share_money")  # the roles of these


def persons_are_hidden() -> ColumnElement[bool]:
    """Whether the transaction's role sees nothing of persons."""
    return func.app.cur_role().in_(WITHOUT_PERSONS)


def visible(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """``column``, or null for whom it is hidden from; named like the column.

    Raises Misconfigured for a column that is not declared to be hidden: who asks here believes it
    is, and an export would show it.
    """
    fact = personal_of(column.expression)
    if fact is None or not fact.hidden:
        raise Misconfigured(f"{column} is not declared as hidden; see core.platform.personal.")
    return case((persons_are_hidden(), null()), else_=column).label(column.key)
