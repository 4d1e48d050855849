"""Contact details are not for viewers: queries show such columns through ``visible``."""
from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, null
from sqlalchemy.orm import InstrumentedAttribute


def visible(column: InstrumentedAttribute[Any] | ColumnElement[Any]) -> ColumnElement[Any]:
    """``column``, or null for a viewer and for a leaderboard; named like the column."""
    hidden = func.app.cur_role().in_(["viewer", "board"])
    return case((hidden, null()), else_=column).label(column.key)
