"""Hiding personal data from viewers, leaderboards and shared dashboards."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, null
from sqlalchemy.orm import InstrumentedAttribute

from core.platform.errors import Misconfigured
from core.platform.link_roles import LINK_ROLES
from core.platform.personal import personal_of
from core.tenancy.access.models import Role

WORKING = (Role.SUPER_ADMIN, Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SALES_REP)


def with_persons() -> list[str]:
    """The roles that see personal data. A role that is not one of them does not, whatever it is."""
    links = (role.name for role in LINK_ROLES.values() if role.sees_persons)
    return ["system", *map(str, WORKING), *links]


def persons_are_hidden() -> ColumnElement[bool]:
    """Whether personal data is hidden from the transaction's role."""
    return func.coalesce(func.app.cur_role(), "").not_in(with_persons())


def sees_persons(role: str) -> bool:
    """Whether personal data is shown to the role; what ``persons_are_hidden`` says in SQL."""
    return role in with_persons()


def is_hidden(column: InstrumentedAttribute[Any]) -> bool:
    """Whether the column is declared as hidden from those who see no persons."""
    fact = personal_of(column.expression)
    return fact is not None and fact.hidden


def visible(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """``column``, or null where it is hidden from the transaction's role, under the column's name.

    Raises Misconfigured for a column that is not declared as hidden: the caller relies on it, and
    an export would show it.
    """
    if not is_hidden(column):
        raise Misconfigured(f"{column} is not declared as hidden; see core.platform.personal.")
    return case((persons_are_hidden(), null()), else_=column).label(column.key)
