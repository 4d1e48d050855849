"""The rows behind a figure: the same condition that counts them, so that the rows always add up to
it.
"""

from __future__ import annotations

import re

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.metrics.catalog import CONDITIONS, RATES
from core.metrics.table import grace_hours
from core.platform.clock import now


def counted(metric: str) -> str | None:
    """The count whose calls explain ``metric``: itself, or what a rate counts; None where payments
    explain it.
    """
    part = RATES[metric][0] if metric in RATES else metric
    return part if part in CONDITIONS else None


def matching(db: Session, metric: str) -> TextClause | None:
    """A condition on ``app.events`` that a count's events fulfil; None for figures that are no
    count of events.
    """
    if metric not in CONDITIONS:
        return None
    condition = re.sub(r"\be\.", "app.events.", CONDITIONS[metric])
    values = {"now": now(), "grace": grace_hours(db)}
    return text(f"({condition})").bindparams(
        **{name: value for name, value in values.items() if f":{name}" in condition}
    )
