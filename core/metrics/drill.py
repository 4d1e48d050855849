"""The rows behind a figure: the same condition that counts them, so that the rows always add up to
it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.metrics.catalog import EXPLAINED
from core.metrics.dimensions import HOUR, LOCAL, WEEKDAY
from core.metrics.facts import PAYMENTS, Fact
from core.metrics.filters import Filters
from core.metrics.kinds import Measure, PerCount, Ratio
from core.metrics.table import prepared
from core.platform.clock import Period, now


def bookings_behind(metric: str, period: Period, filters: Filters) -> TextClause:
    """The condition on events that those fulfil of which a payment counts in a figure of payments:
    one dated in the period and narrowed by ``filters``, whenever the booking was for.
    """
    found = EXPLAINED[metric]
    assert isinstance(found, Measure)
    sql = f"""exists (select 1 from app.payments payments
        where payments.organization_id = events.organization_id and payments.event_id = events.id
          and payments.payment_date >= :paid_from and payments.payment_date < :paid_until
          and {PAYMENTS.condition} and {found.condition}{PAYMENTS.narrowed(filters)})"""
    bounds = {"paid_from": period.starts_at, "paid_until": period.ends_at}
    return text(sql).bindparams(**bounds, **filters.values)


@dataclass(frozen=True)
class Slot:
    """An hour of a weekday in the organisation's zone; the first weekday is 1, a Monday."""

    weekday: int
    hour: int
    timezone: str

    def condition(self, fact: Fact) -> str:
        """What holds of the rows that happened in it, with its fields as parameters."""
        local = LOCAL.format(instant=fact.instant)
        cuts = [(each.cut or "").format(local=local) for each in (WEEKDAY, HOUR)]
        return f"{cuts[0]} = :weekday and {cuts[1]} = :hour"


def counted(metric: str) -> Measure:
    """What explains a figure: itself, what a rate counts, or what an average sums.

    An average of something that is no figure by itself is explained by what it is divided by.
    """
    found = EXPLAINED[metric]
    if isinstance(found, Ratio):
        return counted(found.part)
    if isinstance(found, PerCount):
        return counted(found.total if isinstance(found.total, str) else found.count)
    assert isinstance(found, Measure)
    return found


def is_of(fact: Fact, metric: str) -> bool:
    """Whether a figure is made of rows of ``fact``."""
    found = EXPLAINED.get(metric)
    return isinstance(found, Measure) and found.fact is fact


def matching(
    db: Session,
    fact: Fact,
    metric: str,
    filters: Filters | None = None,
    slot: Slot | None = None,
) -> TextClause | None:
    """The condition on the table of ``fact`` that the rows of a measure of it fulfil, narrowed
    by ``filters`` and to those in ``slot``; None when nothing is asked for: neither of them, and a
    figure that is no measure of it.
    """
    chosen = filters or Filters()
    found = EXPLAINED.get(metric)
    is_of_it = is_of(fact, metric)
    if not (is_of_it or chosen.chosen or slot):
        return None
    condition = (
        f"{fact.condition} and {found.condition}"
        if isinstance(found, Measure) and is_of_it
        else "true"
    )
    within = f" and {slot.condition(fact)}" if slot else ""
    sql = f"({condition}){fact.narrowed(chosen)}{within}"
    values = {
        "now": now(),
        **prepared(db, [fact]),
        **chosen.values,
        **(asdict(slot) if slot else {}),
    }
    return text(sql).bindparams(
        **{name: value for name, value in values.items() if f":{name}" in sql}
    )
