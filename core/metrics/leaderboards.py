"""Who leads: closers or setters by one figure, with their place in the period before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.orm import Session

from core.metrics.catalog import METRICS, Ratio, facts_of
from core.metrics.comparison import compared
from core.metrics.dimensions import dimension
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.figures import Key, Values
from core.metrics.table import members_with, metrics_table, nothing_of
from core.platform.clock import Period
from core.platform.dataframes import dataframe
from core.platform.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

SMALL_SAMPLE = 10
PRESENCE = (EVENTS, PAYMENTS)  # whoever has rows of any of these is on the board
BOARD = (
    "show_rate",
    "close_rate",
    "booked_calls",
    "shows",
    "closes",
    "cash_collected",
    "net_revenue",
    "pcf_compliance",
)


def leaderboard(
    db: Session, period: Period, who: str, metric: str, currency: str, at: datetime
) -> pd.DataFrame:
    """Everybody who has the figure in the period at the instant ``at``, best first.

    Open ``db`` with ``core.platform.database.as_board``.

    Columns: rank (int), change (places won since the same part of the period before; of an
    unfinished period what has passed is compared; missing for whom there is nothing to compare),
    is_new (bool: had no place in that part before, and has one now), name, value (float, money in
    ``currency``), sample (int, what a rate is based on; None for sums), small (bool: too few to
    compare), id. Raises InvalidInput.
    """
    if who not in ("closer", "setter") or metric not in METRICS:
        raise InvalidInput("Choose closers or setters, and a figure that exists.", field="metric")
    needed = dict.fromkeys((metric, *_base(metric)))
    counted = facts_of(needed).values()
    others = [fact for fact in PRESENCE if fact not in counted]

    def ranked(part: Period) -> pd.DataFrame:
        figures = metrics_table(db, part, (who,), at=at, only=needed)
        values = {row.keys[who]: row.values for row in figures.rows}
        nothing = nothing_of(figures.metrics)
        for key in members_with(db, part, dimension(who), others):
            values.setdefault(key, nothing)
        return _ranked(values, metric, currency)

    board = ranked(period)
    now: dict[Any, int] = {}
    before: dict[Any, int] = {}
    if comparison := compared(period, at):
        now = _places(ranked(comparison.present) if comparison.present.until else board)
        before = _places(ranked(comparison.earlier))
    changes = [
        before[key] - now[key] if key in now and key in before else None for key in board["id"]
    ]
    board.insert(1, "change", changes)
    board.insert(2, "is_new", [key in now and key not in before for key in board["id"]])
    return board


class Place(NamedTuple):
    """One line of a leaderboard, before the places are counted."""

    name: Any
    value: float
    sample: int | None
    small: bool
    id: Any


def _places(board: pd.DataFrame) -> dict[Any, int]:
    return dict(zip(board["id"], board["rank"], strict=True))


def _base(metric: str) -> Sequence[str]:
    """The counts that a rate is taken of; nothing for other figures."""
    found = METRICS[metric]
    return found.whole if isinstance(found, Ratio) else ()


def _ranked(values_of: Mapping[Key, Values], metric: str, currency: str) -> pd.DataFrame:
    rows: list[Place] = []
    down, base = METRICS[metric].good == "down", _base(metric)
    for key, values in values_of.items():
        value = values.number(metric, currency)
        if key.id is None or value is None:
            continue
        sample = sum(values.count(part) for part in base) if base else None
        small = sample is not None and sample < SMALL_SAMPLE
        rows.append(Place(key.name, float(value), sample, small, key.id))
    rows.sort(key=lambda row: (row.small, row.value if down else -row.value, row.name))
    made = dataframe(rows, Place._fields)
    made.insert(0, "rank", range(1, len(made) + 1))
    return made
