"""Of what kinds figures are: what is counted or summed of rows, and what is divided by what.

In conditions a row bears its table's name; ``:now`` is this instant, and other parameters are those
of the fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.metrics.facts import Fact
from core.metrics.units import COUNT, RATE, Unit

SMALL_SAMPLE = 10  # of a rate: with fewer, one booking more or less moves it by ten points


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure as people see it. ``formula`` says it in words; ``good`` is the direction that is
    welcome; ``decision`` is the heading of docs/decisions.md that says why it is counted so.
    """

    key: str
    name: str
    formula: str
    decision: str
    unit: Unit = COUNT
    good: Literal["up", "down", "none"] = "up"


@dataclass(frozen=True, kw_only=True)
class Measure(Metric):
    """What one fact's rows that fulfil a condition amount to."""

    fact: Fact
    condition: str = "true"


@dataclass(frozen=True, kw_only=True)
class Count(Measure):
    """How many rows there are."""


@dataclass(frozen=True, kw_only=True)
class Sum(Measure):
    """The sum of ``value`` over the rows: for money an amount in the fact's currency, for hours an
    interval, else a number.
    """

    value: str
    unit: Unit


@dataclass(frozen=True, kw_only=True)
class Percentile(Measure):
    """The value that ``share`` of the rows do not exceed: 0.5 is the median; between two rows it is
    interpolated, which makes no count and no amount of money. ``value`` is an interval for hours,
    else a number; rows without one are left out.
    """

    value: str
    share: float
    unit: Unit

    def __post_init__(self) -> None:
        if not self.unit.between or not 0 < self.share < 1:
            raise ValueError(f"“{self.key}” is no percentile of numbers or durations.")


@dataclass(frozen=True, kw_only=True)
class Ratio(Metric):
    """One count over the sum of others; with nothing to divide by it is no figure at all, nor of
    bookings of one result: the sum has lost those that came to nothing.
    """

    part: str
    whole: tuple[str, ...]
    unit: Unit = RATE


@dataclass(frozen=True, kw_only=True)
class PerCount(Metric):
    """A sum divided by a count; no figure where the count is zero.

    Bookings that are filtered by their outcome or package have the figure only where
    ``of_results`` is set: its count has no bookings without such a result, so the filter leaves the
    same bookings in both.
    """

    total: str | Sum
    count: str
    of_results: bool = False
