"""Who leads: closers or setters by one figure, with their place in the period before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from core.metrics.catalog import METRICS
from core.metrics.comparison import compared
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.figures import Row
from core.metrics.kinds import SMALL_SAMPLE, Ratio
from core.metrics.members import members_tables
from core.metrics.ranks import shared_ranks
from core.platform.clock import Period
from core.platform.errors import InvalidInput

PRESENCE = (EVENTS.key, PAYMENTS.key)  # whoever has rows of any of these is on the board
BOARD = (
    "cash_collected",
    "net_revenue",
    "closes",
    "close_rate",
    "show_rate",
    "booked_calls",
    "shows",
    "pcf_compliance",
)


class Place(NamedTuple):
    """One line of a board, before the places are counted: ``value`` is money in one currency,
    ``sample`` what a rate is based on, None for sums, and ``small`` too few to compare.
    """

    name: Any
    value: float
    sample: int | None
    small: bool
    id: Any


class Line(NamedTuple):
    """One line of a leaderboard: a ``Place`` with its rank, which equals share.

    Attributes:
        change: places won since the same part of the period before; of an unfinished period what
            has passed is compared; None for whom there is nothing to compare.
        is_new: had no place in that part before, and has one now.
    """

    rank: int
    change: int | None
    is_new: bool
    name: Any
    value: float
    sample: int | None
    small: bool
    id: Any


def leaderboard(
    db: Session, period: Period, who: str, metric: str, currency: str, at: datetime
) -> list[Line]:
    """Everybody who has the figure in the period at the instant ``at``, best first.

    Open ``db`` with ``core.platform.database.as_board``. Raises InvalidInput.
    """
    if who not in ("closer", "setter") or metric not in METRICS:
        raise InvalidInput("Choose closers or setters, and a figure that exists.", field="metric")
    needed = tuple(dict.fromkeys((metric, *_base(metric))))
    comparison = compared(period, at)
    parts = [period]
    if comparison:
        parts += [comparison.earlier, *([comparison.present] if comparison.present.until else [])]
    board, *others = (
        _ranked(rows, who, metric, currency)
        for rows in members_tables(db, parts, who, needed, PRESENCE, at)
    )
    ranks = _ranks(board)
    now = _ranks(others[-1] if len(others) > 1 else board) if comparison else {}
    before = _ranks(others[0]) if comparison else {}
    return [
        Line(
            ranks[place.id],
            before[place.id] - now[place.id] if place.id in now and place.id in before else None,
            place.id in now and place.id not in before,
            *place,
        )
        for place in board
    ]


def _ranks(board: Sequence[Place]) -> dict[Any, int]:
    shared = shared_ranks([(place.small, place.value) for place in board])
    return {place.id: rank for place, rank in zip(board, shared, strict=True)}


def _base(metric: str) -> Sequence[str]:
    """The counts that a rate is taken of; nothing for other figures."""
    found = METRICS[metric]
    return found.whole if isinstance(found, Ratio) else ()


def _ranked(rows: Iterable[Row], who: str, metric: str, currency: str) -> list[Place]:
    places: list[Place] = []
    down, base = METRICS[metric].good == "down", _base(metric)
    for row in rows:
        key, value = row.keys[who], row.values.number(metric, currency)
        if value is None:
            continue
        sample = sum(row.values.count(part) for part in base) if base else None
        small = sample is not None and sample < SMALL_SAMPLE
        places.append(Place(key.name, float(value), sample, small, key.id))
    return sorted(places, key=lambda row: (row.small, row.value if down else -row.value, row.name))
