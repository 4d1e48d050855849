"""Cases of a test from several lists of values: every pair of values in each run, every combination
at night.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import pytest

Case = tuple[Any, ...]
Pair = tuple[int, Any, int, Any]


def crossed(*lists: Sequence[Any], at_night: Sequence[Any] = ()) -> list[Any]:
    """All combinations as parameters. Those that are not needed to have each pair of values once,
    and those with a value ``at_night``, are marked nightly.
    """
    by_day = [[value for value in values if value not in at_night] for values in lists]
    wanted = set(covering(*by_day))
    return [
        pytest.param(*case, marks=() if case in wanted else pytest.mark.nightly)
        for case in product(*lists)
    ]


def covering(*lists: Sequence[Any]) -> list[Case]:
    """Combinations that have every pair of values, chosen one by one: always one with most pairs
    that are still missing.
    """
    cases = list(product(*lists))
    missing = {pair for case in cases for pair in _pairs(case)}
    chosen: list[Case] = []
    while missing:
        best = max(cases, key=lambda case: len(missing & _pairs(case)))
        chosen.append(best)
        missing -= _pairs(best)
    return chosen


def _pairs(case: Case) -> set[Pair]:
    return {
        (one, case[one], other, case[other]) for one, other in combinations(range(len(case)), 2)
    }
