"""A figure slice by slice, as cards and charts draw it."""

from __future__ import annotations

from core.metrics.dashboard import Dashboard
from core.metrics.figures import Values
from core.metrics.kinds import SMALL_SAMPLE, Metric, Ratio


def course(figures: Dashboard, key: str, currency: str) -> list[float] | None:
    """A figure slice by slice, without the slices that have none, as a rate of nothing, and those
    to come; None when one slice is all.
    """
    if len(figures.slices) < 2:
        return None
    values = zip(values_of_course(figures, key, currency), figures.slices, strict=True)
    begun = [value for value, part in values if part.period.start <= figures.today]
    return [value for value in begun if value is not None] or None


def values_of_course(figures: Dashboard, key: str, currency: str) -> list[float | None]:
    """A figure slice by slice, without slices to come, of which only bookings can be known."""
    return [
        row.values.number(key, currency)
        if key == "booked_calls" or part.period.start <= figures.today
        else None
        for row, part in zip(figures.course.rows, figures.slices, strict=True)
    ]


def is_small(metric: Metric, row: Values) -> bool:
    return isinstance(metric, Ratio) and sample_of(metric, row) < SMALL_SAMPLE


def sample_of(metric: Ratio, row: Values) -> int:
    """How many bookings a rate is based on."""
    return sum(map(row.count, metric.whole))
