"""What stands between a payout and the figures of its days, and what a payout leaves out.

Figures count a refund in the period of its payment, payouts at the refund's own date.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.money.models import BridgeStep, LineReason, PayoutSnapshot, SnapshotState
from core.money.payout_lines import payouts_start_at, period_of_snapshot
from core.platform.dataframes import dataframe

if TYPE_CHECKING:
    import pandas as pd

MOST_LISTED = 200

# No approved payout has a line of the payment ``p``, nor of a record of the same money that it
# stands for.
IN_NO_PAYOUT = """
    not exists (
        select from app.payout_snapshot_details d
          join app.payout_snapshots s on s.organization_id = d.organization_id
           and s.id = d.snapshot_id and s.state <> 'draft'
          join app.payments q on q.organization_id = d.organization_id and q.id = d.payment_id
         where d.organization_id = p.organization_id and d.held_back is null
           and (q.id = p.id or q.superseded_by_id = p.id))
"""
LEAVES_FIGURES = ", ".join(f"'{each}'" for each in LineReason if each.meaning.leaves_figures)
STEP_OF_REASON = " ".join(f"when '{each}' then '{each.meaning.step}'" for each in LineReason)
AMOUNTS = text(f"""
    with figures as materialized (
        select p.id, p.currency, p.net_revenue,
               greatest(p.payment_date, p.settled_at) < :payouts_start and {IN_NO_PAYOUT}
                 as is_before_start
          from app.payments p
         where p.counts and p.payment_date >= :starts_at and p.payment_date < :ends_at),
    lines as (
        select currency,
               case when payment_date < :starts_at or reason_code in ({LEAVES_FIGURES})
                      and (amount < 0 or reason_code <> all (app.cash_reasons()))
                    then case reason_code {STEP_OF_REASON} end end as step,
               net_revenue as amount, held_back
          from app.payout_snapshot_details where snapshot_id = :snapshot)
    select 'figures' as step, currency, sum(net_revenue) as amount from figures group by 2
    union all select 'before_start', currency, -sum(net_revenue) from figures
     where is_before_start group by 2
    union all
    select 'counted_before', d.currency, -sum(d.net_revenue)
      from figures f
      join app.payout_snapshot_details d on d.organization_id = app.cur_org()
       and d.payment_id = f.id and d.held_back is null
      join app.payout_snapshots s on s.organization_id = d.organization_id
       and s.id = d.snapshot_id and s.state <> 'draft'
       and (:is_draft or s.period_end <= :first_day)
     group by 2
    union all
    select 'refunded_later', f.currency, sum(r.amount)
      from app.counting_refunds(array(select id from figures where not is_before_start)) r
      join figures f on f.id = r.payment_id
     where r.refunded_at >= :ends_at group by 2
    union all select step, currency, sum(amount) from lines where step is not null group by 1, 2
    union all select 'held_back', currency, -sum(amount) from lines
     where held_back is not null group by 2
    union all select 'payout', currency, sum(amount) from lines
     where held_back is null group by 2
""")
LEFT_OUT = text(f"""
    select p.id, p.payment_date, p.currency, p.net_revenue, count(*) over () as together
      from app.payments p
     where p.counts and greatest(p.payment_date, p.settled_at) < :start and {IN_NO_PAYOUT}
     order by p.payment_date desc, p.id limit :most
""")


def bridge(db: Session, snapshot: PayoutSnapshot, bounds: Row[Any]) -> pd.DataFrame:
    """From the net revenue of the payout's days in the figures to that of the payout, step by step.

    Columns: step (``BridgeStep``, in their order), currency, amount. The first and the last step of
    a currency are always there, of the others those that are not zero; they add up to the last.
    """
    period = period_of_snapshot(snapshot)
    asked = {
        "snapshot": snapshot.id,
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
        "first_day": period.start,
        "is_draft": snapshot.state == SnapshotState.DRAFT,
        "payouts_start": payouts_start_at(snapshot, bounds),
    }
    found: dict[str, dict[str, Decimal]] = {}
    for row in db.execute(AMOUNTS, asked):
        found.setdefault(row.currency, {})[row.step] = row.amount
    rows = [
        (step, currency, amount)
        for currency, amounts in sorted(found.items())
        for step, amount in _steps(amounts).items()
    ]
    return dataframe(rows, ["step", "currency", "amount"])


def _steps(amounts: dict[str, Decimal]) -> dict[BridgeStep, Decimal]:
    known = {step: amounts.get(step, Decimal(0)) for step in BridgeStep}
    ends = (BridgeStep.FIGURES, BridgeStep.PAYOUT)
    between = sum(amount for step, amount in known.items() if step is not BridgeStep.PAYOUT)
    known[BridgeStep.OTHER] = known[BridgeStep.PAYOUT] - between
    return {step: amount for step, amount in known.items() if amount or step in ends}


def before_payouts_start(
    db: Session, snapshot: PayoutSnapshot, bounds: Row[Any]
) -> tuple[int, pd.DataFrame]:
    """How many payments were settled before payouts start and are in none: that was elsewhere. With
    the latest of them.

    Columns: payment_id, payment_date, currency, net_revenue.
    """
    asked = {"start": payouts_start_at(snapshot, bounds), "most": MOST_LISTED}
    rows = db.execute(LEFT_OUT, asked).all()
    columns = ["payment_id", "payment_date", "currency", "net_revenue"]
    latest = dataframe((tuple(row)[:-1] for row in rows), columns)
    return (rows[0].together if rows else 0), latest
