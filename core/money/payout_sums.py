"""What the lines of a payout sum up to, by currency: in its header, and by closer, setter, source
and package.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from core.money.models import PayoutSnapshot, PayoutSnapshotSummary
from core.money.payout_lines import over_all_lines
from core.platform.errors import Conflict

DIMENSIONS = ("closer", "setter", "source", "package")
SUMS = ("cash_collected", "refunds", "net_revenue")
Totals = dict[str, tuple[Decimal, ...]]
# The lines are read once, and summed for each set of people before each is taken by itself.
# The sums of each dimension become rows, and those of all lines are what they must agree with. What
# is nobody's is one row without a name, whatever names the bookings have.
ADD_SUMMARIES = text("""
    with lines as (
        select currency, closer_id, setter_id, source_id, package_id,
               max(closer_name) as closer_name, max(setter_name) as setter_name,
               max(source_name) as source_name, max(package_name) as package_name,
               count(*) filter (where kind = 'payment') as payments, sum(amount) as cash,
               sum(refund_amount) as refunds, sum(net_revenue) as net
          from app.payout_snapshot_details
         where snapshot_id = :snapshot and held_back is null
         group by currency, closer_id, setter_id, source_id, package_id),
    sums as materialized (
        select case grouping(closer_id, setter_id, source_id, package_id)
                 when 7 then 'closer' when 11 then 'setter' when 13 then 'source'
                 when 14 then 'package' end as dimension,
               coalesce(closer_id, setter_id, source_id, package_id) as member_id,
               coalesce(
                 case when closer_id is not null then max(closer_name) end,
                 case when setter_id is not null then max(setter_name) end,
                 case when source_id is not null then max(source_name) end,
                 case when package_id is not null then max(package_name) end) as label, currency,
               sum(payments)::bigint as payments, sum(cash) as cash, sum(refunds) as refunds,
               sum(net) as net
          from lines
         group by currency, grouping sets (closer_id, setter_id, source_id, package_id, ())),
    added as (
        insert into app.payout_snapshot_summaries (
            organization_id, snapshot_id, dimension, member_id, label, currency, payment_count,
            cash_collected, refunds, net_revenue)
        select (select app.cur_org()), :snapshot, dimension, member_id, label, currency, payments,
               cash, refunds, net
          from sums where dimension is not null
        returning dimension, currency, cash_collected, refunds, net_revenue)
    select dimension, currency, null as payments, sum(cash_collected), sum(refunds),
           sum(net_revenue)
      from added group by dimension, currency
     union all
    select dimension, currency, payments, cash, refunds, net from sums where dimension is null
""")


def sum_up(db: Session, snapshot: PayoutSnapshot) -> None:
    """Summaries and header of the lines that are not held back."""
    summaries = PayoutSnapshotSummary
    db.execute(delete(summaries).where(summaries.snapshot_id == snapshot.id))
    rows = over_all_lines(db, ADD_SUMMARIES, {"snapshot": snapshot.id}).all()
    lines = [row for row in rows if row.dimension is None]
    snapshot.totals = {
        row.currency: dict(zip(SUMS, map(str, row[3:]), strict=True)) for row in lines
    }
    snapshot.payment_count = sum(row.payments for row in lines)
    db.flush()
    _require_agreement(
        snapshot,
        {row.currency: tuple(row[3:]) for row in lines},
        ((row.dimension, row.currency, tuple(row[3:])) for row in rows if row.dimension),
    )


def check_sums(db: Session, snapshot: PayoutSnapshot) -> None:
    """Lines, each summary and the header must agree to the cent. Raises Conflict when they do
    not.
    """
    of_lines = text("""
        select currency, sum(amount), sum(refund_amount), sum(net_revenue)
          from app.payout_snapshot_details
         where snapshot_id = :snapshot and held_back is null group by currency
    """)
    by_dimension = text("""
        select dimension, currency, sum(cash_collected), sum(refunds), sum(net_revenue)
          from app.payout_snapshot_summaries where snapshot_id = :snapshot group by 1, 2
    """)
    asked = {"snapshot": snapshot.id}
    _require_agreement(
        snapshot,
        {row.currency: tuple(row[1:]) for row in db.execute(of_lines, asked)},
        ((row[0], row[1], tuple(row[2:])) for row in db.execute(by_dimension, asked)),
    )


def _require_agreement(
    snapshot: PayoutSnapshot,
    lines: Totals,
    members: Iterable[tuple[str, str, tuple[Decimal, ...]]],
) -> None:
    """``members`` are the sums over all of a dimension, in each currency."""
    header: Totals = {
        currency: tuple(Decimal(sums[name]) for name in SUMS)
        for currency, sums in snapshot.totals.items()
    }
    summaries: dict[str, Totals] = {dimension: {} for dimension in DIMENSIONS}
    for dimension, currency, sums in members:
        summaries[dimension][currency] = sums
    if any(sums != lines for sums in (header, *summaries.values())):
        raise Conflict(
            "The payout does not add up; nothing was saved. Try again, and report it if it happens"
            " twice."
        )
