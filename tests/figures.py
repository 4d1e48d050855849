"""All figures of an organisation, for comparing them before and after something that must not
change them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.metrics.dimensions import DIMENSIONS
from core.metrics.figures import Figures
from core.metrics.table import metrics_table
from core.platform.clock import Period
from core.platform.database import as_system

MONEY = """
    select count(*), sum(amount), sum(refund_amount), sum(net_revenue), count(event_id),
      count(closer_id), count(setter_id),
           string_agg(attribution_method, ',' order by id), currency from app.payments
             group by currency order by currency
"""
PAID_OUT = (
    "select dimension, member_id, label, currency, payment_count, cash_collected, refunds from"
    " app.payout_snapshot_summaries"
)


def figures(org: UUID, period: Period, at: datetime | None = None) -> dict[str, Any]:
    """Every metric by every dimension and in total, the money row by row, and the payouts."""
    with as_system(org) as db:
        made = {key: rows(metrics_table(db, period, (key,), at=at)) for key in DIMENSIONS}
        made[""] = rows(metrics_table(db, period, (), at=at))
        for name, query in {"money": MONEY, "payouts": PAID_OUT}.items():
            made[name] = sorted(map(str, db.execute(text(query)).all()))
    return made


def rows(made: Figures) -> list[str]:
    return sorted(str(row) for row in made.frame().to_dict("records"))
