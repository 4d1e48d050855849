"""Contact details are not for viewers, leaderboards and shared dashboards: queries show such
columns through ``visible``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, null
from sqlalchemy.orm import InstrumentedAttribute


def visible(column: InstrumentedAttribute[Any] | ColumnElement[Any]) -> ColumnElement[Any]:
    """``column``, or null for a viewer, a leaderboard and a shared dashboard; named like the
    column.
    """
    hidden = func.app.cur_role().in_(["viewer", "board", "share", "share_money"])
    return case((hidden, null()), else_=column).label(column.key)
