"""The rows behind a figure: the same condition that counts them, so that the rows always add up to
it.
"""

from __future__ import annotations

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.metrics.catalog import METRICS, Measure, PerCount, Ratio
from core.metrics.facts import Fact
from core.metrics.filters import Filters
from core.metrics.table import prepared
from core.platform.clock import now


def counted(metric: str) -> Measure:
    """What explains a figure: itself, what a rate counts, or what an average sums.

    An average of something that is no figure by itself is explained by what it is divided by.
    """
    found = METRICS[metric]
    if isinstance(found, Ratio):
        return counted(found.part)
    if isinstance(found, PerCount):
        return counted(found.total if isinstance(found.total, str) else found.count)
    assert isinstance(found, Measure)
    return found


def is_of(fact: Fact, metric: str) -> bool:
    """Whether a figure is made of rows of ``fact``."""
    found = METRICS.get(metric)
    return isinstance(found, Measure) and found.fact is fact


def matching(
    db: Session, fact: Fact, metric: str, filters: Filters | None = None
) -> TextClause | None:
    """The condition on the table of ``fact`` that the rows of a measure of it fulfil, narrowed
    by ``filters``; None when nothing is asked for: no filters, and a figure that is none of them.
    """
    chosen = filters or Filters()
    found = METRICS.get(metric)
    is_of_it = is_of(fact, metric)
    if not is_of_it and not chosen.chosen:
        return None
    condition = (
        f"{fact.condition} and {found.condition}"
        if isinstance(found, Measure) and is_of_it
        else "true"
    )
    sql = f"({condition}){fact.narrowed(chosen)}"
    values = {"now": now(), **prepared(db, [fact]), **chosen.values}
    return text(sql).bindparams(
        **{name: value for name, value in values.items() if f":{name}" in sql}
    )
