"""The lines of payouts by difference: what is true of the payments now, less what approved payouts
have counted, as ``app.open_payout_lines`` computes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Result, Row, TextClause, text
from sqlalchemy.orm import Session

from core.money.models import PayoutSnapshot, SnapshotState
from core.platform.clock import Period, day_start
from core.platform.dataframes import fetched

if TYPE_CHECKING:
    import pandas as pd

OPEN_LINES = "app.open_payout_lines(:starts_at, :period_starts_at, :ends_at, :zone, :through)"
# Ids of lines count up from a random beginning. Drawn one by one they would take a fifth of the
# whole draft, and fill their index in all places at once.
ADD_LINES = text(f"""
    insert into app.payout_snapshot_details (
        organization_id, id, snapshot_id, payment_id, kind, reason_code, reason, line_date,
        payment_date, customer_email, customer_name, processor, processor_payment_id, currency,
        amount, refund_amount, net_revenue, event_id, closer_id, closer_name, setter_id,
        setter_name, source_id, source_name, package_id, package_name, attribution_method,
        attribution_reason, refund_ids, corrects)
    select (select app.cur_org()),
           cast(:ids || lpad(to_hex(row_number() over ()), 12, '0') as uuid),
           :snapshot, payment_id, kind, reason_code, reason, line_date,
           payment_date, customer_email, customer_name, processor, processor_payment_id, currency,
           amount, refund_amount, amount - refund_amount, event_id, closer_id, closer_name,
           setter_id, setter_name, source_id, source_name, package_id, package_name,
           attribution_method, attribution_reason, refund_ids, corrects
      from {OPEN_LINES}
""")
BOUNDS = text("""
    select m.payouts_start, first.period_start as first_start, first.timezone as first_zone,
           last.name as last_name,
           last.period_end as last_end, last.timezone as last_zone,
           waiting.name as waiting_name, waiting.period_start as waiting_start,
           exists (select from app.payout_snapshots s
                     join app.payout_snapshot_details d on d.organization_id = s.organization_id
                      and d.snapshot_id = s.id
                    where s.state <> 'draft') as start_stays
      from app.money_settings m
      left join lateral (select s.* from app.payout_snapshots s where s.state <> 'draft'
                          order by s.period_start limit 1) first on true
      left join lateral (select s.* from app.payout_snapshots s where s.state <> 'draft'
                          order by s.period_end desc limit 1) last on true
      left join lateral (select s.* from app.payout_snapshots s where s.state = 'draft'
                          order by s.period_start limit 1) waiting on true
     where m.organization_id = app.cur_org()
""")
PLAN_FOR_MANY = text("""
    select b.loops, b.sorts, b.memory
      from (select current_setting('enable_nestloop') as loops,
                   current_setting('enable_sort') as sorts,
                   current_setting('work_mem') as memory offset 0) b
     where set_config('enable_nestloop', 'off', true) = 'off'
       and set_config('enable_sort', 'off', true) = 'off'
       and set_config('work_mem', '64MB', true) = '64MB'
""")
PLAN_AS_BEFORE = text("""
    select set_config('enable_nestloop', :loops, true), set_config('enable_sort', :sorts, true),
           set_config('work_mem', :memory, true)
""")
CHANGES = text(f"""
    with sides as (
        select 1 as now, payment_id, reason_code, reason, currency, closer_id, closer_name,
               setter_id, setter_name, source_id, package_id, amount, refund_amount
          from {OPEN_LINES}
         union all
        select 0, payment_id, reason_code, reason, currency, closer_id, closer_name, setter_id,
               setter_name, source_id, package_id, amount, refund_amount
          from app.payout_snapshot_details
         where snapshot_id = :snapshot and (:is_draft or held_back is not null))
    select payment_id,
           case when max(now) = 0 then 'gone' when min(now) = 1 then 'new' else 'changed'
             end as what,
           max(reason) as reason, currency,
           sum(amount - refund_amount) filter (where now = 0) as net_then,
           sum(amount - refund_amount) filter (where now = 1) as net_now,
           max(closer_name) as closer, closer_id, max(setter_name) as setter, setter_id
      from sides
     group by payment_id, reason_code, currency, closer_id, setter_id, source_id, package_id
    having sum(amount * (2 * now - 1)) <> 0 or sum(refund_amount * (2 * now - 1)) <> 0
        or sum(2 * now - 1) <> 0
     order by 2, 1, 3
""")


@dataclass(frozen=True)
class _Cut:
    """What ``app.open_payout_lines`` is asked: the present up to ``ends_at``, less the payouts
    whose periods end by ``through``.
    """

    starts_at: datetime
    period_starts_at: datetime
    ends_at: datetime
    zone: str
    through: date


def period_of_snapshot(snapshot: PayoutSnapshot) -> Period:
    """The days of a payout, in the zone that the organisation had when its lines were made."""
    return Period(snapshot.period_start, snapshot.period_end, snapshot.timezone)


def payouts_start_at(snapshot: PayoutSnapshot, bounds: Row[Any]) -> datetime:
    """The instant from which payments are counted: the day set by the organisation, by default the
    first of the first payout's, in the zone of the first payout that was approved. A later change
    of zone does not move it.
    """
    day = bounds.payouts_start or bounds.first_start or snapshot.period_start
    return day_start(day, bounds.first_zone or snapshot.timezone)


def payout_bounds(db: Session) -> Row[Any]:
    """The day set by the organisation and whether it stays, the first and the last approved payout
    and the earliest draft, where there are any: between these a payout is read.
    """
    return db.execute(BOUNDS).one()


def _cut(snapshot: PayoutSnapshot, bounds: Row[Any]) -> _Cut:
    """A draft has everything that is open by now; of an approved payout, what was open at its end
    is asked for. A draft that ends before an approved payout is compared up to the end of that.
    """
    period = period_of_snapshot(snapshot)
    ends_at, through = period.ends_at, snapshot.period_end
    if snapshot.state == SnapshotState.DRAFT:
        through = date.max
        if bounds.last_end is not None:
            ends_at = max(ends_at, day_start(bounds.last_end, bounds.last_zone))
    starts_at = payouts_start_at(snapshot, bounds)
    return _Cut(starts_at, period.starts_at, ends_at, snapshot.timezone, through)


def add_lines(db: Session, snapshot: PayoutSnapshot) -> None:
    """One statement reads all payments, so the lines are of one moment."""
    cut = vars(_cut(snapshot, payout_bounds(db)))
    asked = {"snapshot": snapshot.id, "ids": uuid4().hex[:20]} | cut
    over_all_lines(db, ADD_LINES, asked)


def over_all_lines(db: Session, statement: TextClause, asked: dict[str, Any]) -> Result[Any]:
    """Run a statement over the lines of a payout. What the planner cannot know is how many there
    are: joined row by row, 100,000 payments take minutes, and sorted before they are summed, as
    long again as they take otherwise.
    """
    before = db.execute(PLAN_FOR_MANY).mappings().one()
    found = db.execute(statement, asked)
    db.execute(PLAN_AS_BEFORE, dict(before))
    return found


def changes_since(db: Session, snapshot: PayoutSnapshot, bounds: Row[Any]) -> pd.DataFrame:
    """Of a draft, how its lines differ from the present; of an approved payout, what has changed up
    to its end since, which later payouts adjust.

    Columns: payment_id, what (``new``, ``gone``, ``changed``), reason (None for a payment of the
    period), currency, net_then, net_now, closer, closer_id, setter, setter_id; without
    the id a name is what the booking has. Empty when nothing changed.
    """
    is_draft = snapshot.state == SnapshotState.DRAFT
    asked = {"snapshot": snapshot.id, "is_draft": is_draft} | vars(_cut(snapshot, bounds))
    return fetched(over_all_lines(db, CHANGES, asked))
