"""Who leads: closers or setters by one figure, with their place in the period before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.orm import Session

from core.metrics.catalog import METRICS, Ratio, facts_of
from core.metrics.comparison import compared
from core.metrics.dimensions import dimension
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.figures import Figures, Key
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
    comparison = compared(period, at)
    parts = [period]
    if comparison:
        parts += [comparison.earlier, *([comparison.present] if comparison.present.until else [])]
    ranked = [
        _ranked(metrics_table(db, part, (who,), at=at, only=needed), who, present, metric, currency)
        for part, present in zip(
            parts, members_with(db, parts, dimension(who), others), strict=True
        )
    ]
    board = ranked[0]
    now = _places(ranked[-1] if len(ranked) > 2 else board) if comparison else {}
    before = _places(ranked[1]) if comparison else {}
    lines = [
        (
            rank,
            before[place.id] - now[place.id] if place.id in now and place.id in before else None,
            place.id in now and place.id not in before,
            *place,
        )
        for rank, place in enumerate(board, start=1)
    ]
    return dataframe(lines, ("rank", "change", "is_new", *Place._fields))


class Place(NamedTuple):
    """One line of a leaderboard, before the places are counted."""

    name: Any
    value: float
    sample: int | None
    small: bool
    id: Any


def _places(board: Sequence[Place]) -> dict[Any, int]:
    return {place.id: rank for rank, place in enumerate(board, start=1)}


def _base(metric: str) -> Sequence[str]:
    """The counts that a rate is taken of; nothing for other figures."""
    found = METRICS[metric]
    return found.whole if isinstance(found, Ratio) else ()


def _ranked(
    figures: Figures, who: str, present: Iterable[Key], metric: str, currency: str
) -> list[Place]:
    """Everybody who has figures or is ``present`` otherwise."""
    found = dict.fromkeys(present, nothing_of(figures.metrics))
    found |= {row.keys[who]: row.values for row in figures.rows}
    rows: list[Place] = []
    down, base = METRICS[metric].good == "down", _base(metric)
    for key, values in found.items():
        value = values.number(metric, currency)
        if key.id is None or value is None:
            continue
        sample = sum(values.count(part) for part in base) if base else None
        small = sample is not None and sample < SMALL_SAMPLE
        rows.append(Place(key.name, float(value), sample, small, key.id))
    return sorted(rows, key=lambda row: (row.small, row.value if down else -row.value, row.name))
