"""Hiding personal data from viewers, leaderboards and shared dashboards."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, null
from sqlalchemy.orm import InstrumentedAttribute

from core.platform.errors import Misconfigured
from core.platform.personal import personal_of

WITHOUT_PERSONS = ("viewer", "board", "share", "share_money")  # the roles of these


def persons_are_hidden() -> ColumnElement[bool]:
    """Whether personal data is hidden from the transaction's role."""
    return func.app.cur_role().in_(WITHOUT_PERSONS)


def sees_persons(role: str) -> bool:
    """Whether personal data is shown to the role; what ``persons_are_hidden`` says in SQL."""
    return role not in WITHOUT_PERSONS


def visible(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """``column``, or null where it is hidden from the transaction's role, under the column's name.

    Raises Misconfigured for a column that is not declared as hidden: the caller relies on it, and
    an export would show it.
    """
    fact = personal_of(column.expression)
    if fact is None or not fact.hidden:
        raise Misconfigured(f"{column} is not declared as hidden; see core.platform.personal.")
    return case((persons_are_hidden(), null()), else_=column).label(column.key)
