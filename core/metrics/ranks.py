"""Places in a ranking. Equals share one, and the next place is left out: 1, 1, 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def shared_ranks(ranked: Sequence[Any]) -> list[int]:
    """The place of each of these values, which are sorted, the best first."""
    ranks: list[int] = []
    for place, value in enumerate(ranked, start=1):
        is_equal = bool(ranks) and value == ranked[place - 2]
        ranks.append(ranks[-1] if is_equal else place)
    return ranks
