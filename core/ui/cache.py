"""What is cached between runs: aggregates only, with organisation, user, role and the data's own
stamp in the key.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from core.bookings.listed import LISTED
from core.links.access_links import Visitor
from core.metrics.comparison import Comparison
from core.metrics.dashboard import FIGURES, Dashboard, dashboard, data_stamp
from core.metrics.figures import Values
from core.metrics.filters import Filters
from core.metrics.grains import Grain
from core.metrics.leaderboards import Line, leaderboard
from core.metrics.table import totals
from core.platform.clock import Period, iso, now
from core.platform.database import as_board
from core.platform.dataframes import dataframe
from core.platform.notation import notation
from core.tenancy.access.viewers import Viewer

CACHED_S = 15


def this_minute() -> datetime:
    """The instant that all counts of one look at a page go by; the same for a whole minute, so that
    what is computed for one look serves the next.
    """
    return now().replace(second=0, microsecond=0)


def live_stamp(db: Session, filters: Filters, at: datetime) -> str:
    """The stamp of an open dashboard, which is drawn anew as soon as it is another one: that of the
    data, and the minute ``at``. As time passes, bookings become due, forms overdue, the compared
    part of the earlier period longer, and a new day begins.
    """
    return f"{iso(at)} {data_stamp(db, filters)}"


# One object for all runs, which nobody changes: to copy a dashboard takes longer than to draw it.
@st.cache_resource(ttl=CACHED_S, max_entries=200, show_spinner=False)
def _dashboard(
    whose: tuple[UUID, UUID, str],
    stamp: str,
    period: Period,
    comparison: Comparison | None,
    filters: Filters,
    at: datetime,
    grain: Grain | None,
    _db: Session,
) -> Dashboard:
    """``whose`` is the organisation, who looks, and as what."""
    return dashboard(_db, period, comparison, filters, at, grain)


Made = TypeVar("Made")
_beside: WeakKeyDictionary[Dashboard, dict[Hashable, Any]] = WeakKeyDictionary()


def made_beside(figures: Dashboard, what: Hashable, make: Callable[[], Made]) -> Made:
    """What ``make`` draws of these figures, or reads beside them for the same viewer, period and
    filters: made once for as long as they are cached. ``what`` names it among all that is made
    beside them, and the notation in which it is written.
    """
    made, what = _beside.setdefault(figures, {}), (what, notation())
    if what not in made:
        made[what] = make()
    found: Made = made[what]
    return found


def dashboard_of(
    db: Session,
    viewer: Viewer,
    stamp: str,
    period: Period,
    comparison: Comparison | None,
    filters: Filters,
    at: datetime,
    grain: Grain | None = None,
) -> Dashboard:
    """The dashboard of the instant ``at`` as this viewer may see it, whose transaction ``db`` is;
    computed anew as soon as the ``data_stamp`` of its filters is another one.
    """
    return _dashboard(
        (viewer.organization_id, viewer.user_id, viewer.role),
        stamp,
        period,
        comparison,
        filters,
        at,
        grain,
        db,
    )


def board_dashboard_of(
    viewer: Viewer, period: Period, comparison: Comparison | None, filters: Filters, at: datetime
) -> tuple[Dashboard, Values]:
    """The same as leaderboards show it, who read the rows of the whole organisation: of somebody in
    it and, as plain figures, of everybody. Raises NotAllowed where reps may not see leaderboards.
    """
    whose = (viewer.organization_id, viewer.user_id, f"{viewer.role} board")
    with as_board(viewer.user_id, viewer.organization_id) as db:
        stamp = data_stamp(db, filters)
        found = _dashboard(whose, stamp, period, comparison, filters, at, None, db)
        return found, totals(db, period, at=at, only=FIGURES)


def shared_dashboard_of(
    visitor: Visitor, period: Period, comparison: Comparison | None, at: datetime
) -> Dashboard:
    """The dashboard that a link shares, at the instant ``at``; computed anew as soon as something
    in it changes.
    """
    chosen = visitor.shown.get("filters", {})
    filters = Filters(
        {
            key: tuple(UUID(id_) if id_ else None for id_ in chosen.get(each.column, ()))
            for key, each in LISTED.items()
        }
    )
    with visitor.transaction() as db:
        return _dashboard(
            (visitor.organization_id, visitor.link_id, f"share {visitor.sees_money}"),
            data_stamp(db, filters),
            period,
            comparison,
            filters,
            at,
            None,
            db,
        )


@st.cache_data(ttl=CACHED_S, max_entries=200, show_spinner=False)
def _leaderboard(
    organization_id: UUID,
    user_id: UUID,
    role: str,
    period: Period,
    who: str,
    metric: str,
    currency: str,
    at: datetime,
) -> pd.DataFrame:
    with as_board(user_id, organization_id) as db:
        found = leaderboard(db, period, who, metric, currency, at)
    return dataframe(found, Line._fields)


def leaderboard_of(viewer: Viewer, period: Period, who: str, metric: str) -> pd.DataFrame:
    """The leaderboard of the viewer's organisation, with the columns of a ``Line``. Raises
    NotAllowed where reps may not see it.
    """
    return _leaderboard(
        viewer.organization_id,
        viewer.user_id,
        viewer.role,
        period,
        who,
        metric,
        viewer.currency,
        this_minute(),
    )
