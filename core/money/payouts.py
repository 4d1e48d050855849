"""Payout snapshots by difference: the lines of a payout are what is true of the payments now, less
what approved payouts have counted.

The difference is computed by ``app.open_payout_lines``. Nothing but the lines of an approved payout
is fixed: attribution follows the facts, and the next payout adjusts what changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import Result, Row, TextClause, delete, func, select, text, update
from sqlalchemy.orm import Session

from core.money.models import (
    MoneySettings,
    PayoutSnapshot,
    PayoutSnapshotDetail,
    PayoutSnapshotSummary,
    SnapshotState,
)
from core.money.queries import may_be_same
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period, day_start, now, today
from core.platform.database import organization_id_of
from core.platform.dataframes import fetched
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import current_organization

if TYPE_CHECKING:
    import pandas as pd

DIMENSIONS = ("closer", "setter", "source", "package")
SUMS = ("cash_collected", "refunds", "net_revenue")
# A payout may be made and approved shortly before its days are over. One that ends long after today
# has a mistyped year, and once approved it would be in the way of every other until then.
APPROVED_AHEAD = timedelta(days=62)
Totals = dict[str, tuple[Decimal, ...]]

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
# The lines of the same money: of the payment, and of the records that it stands for or that stand
# for it.
SAME_MONEY = text("""
    select p.id from app.payments p
     where p.organization_id = app.cur_org() and coalesce(p.superseded_by_id, p.id) = (
           select coalesce(q.superseded_by_id, q.id) from app.payments q
            where q.organization_id = app.cur_org() and q.id = :payment)
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
           app.person_in_words('closer', closer_id, max(closer_name), 'Nobody') as closer,
           app.person_in_words('setter', setter_id, max(setter_name), 'Nobody') as setter
      from sides
     group by payment_id, reason_code, currency, closer_id, setter_id, source_id, package_id
    having sum(amount * (2 * now - 1)) <> 0 or sum(refund_amount * (2 * now - 1)) <> 0
        or sum(2 * now - 1) <> 0
     order by 2, 1, 3
""")


# Lines that no longer are what was approved: the fingerprint is recomputed, and compared with the
# one that the payout has and with the one in the audit log.
ALTERED = text("""
    select s.name from app.payout_snapshots s
     where s.state <> 'draft'
       and (s.lines_sha256 is distinct from app.payout_lines_sha256(s.id)
            or exists (select from app.audit_logs l
                        where l.organization_id = s.organization_id
                          and l.table_name = 'payout_snapshots' and l.row_id = s.id::text
                          and l.changes -> 'lines_sha256' ->> 1 <> s.lines_sha256))
     order by s.period_start
""")


class StaleDraft(Conflict):
    """A draft no longer equals the present. ``differences`` has the columns of
    ``changes_since``.
    """

    def __init__(self, differences: pd.DataFrame) -> None:
        count = len(differences)
        lines = "1 line differs" if count == 1 else f"{count} lines differ"
        super().__init__(
            f"The payments have changed since this draft was made: {lines}. Rebuild the draft,"
            " look at it, and approve it again."
        )
        self.differences = differences


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


def create_snapshot(
    db: Session, name: str | None, period: Period, by: Viewer | None
) -> PayoutSnapshot:
    """Make a draft: every line that is open up to the end of ``period``, with sums by closer,
    setter, source, package. Without a name it is called by its days.

    ``by`` is None for a program with a key.

    Raises:
        NotAllowed: ``by`` is no admin.
        InvalidInput: the period ends long after today.
    """
    _require_admin(by)
    if reason := _too_far_ahead(period.end, period.timezone):
        raise InvalidInput(reason, field="period_end")
    snapshot = PayoutSnapshot(
        organization_id=organization_id_of(db),
        id=uuid4(),
        name=(name or "").strip() or _name_of(period),
        period_start=period.start,
        period_end=period.end,
        timezone=period.timezone,
        state=SnapshotState.DRAFT,
        totals={},
        payment_count=0,
        created_by=by and by.user_id,
    )
    db.add(snapshot)
    db.flush()
    _add_lines(db, snapshot)
    _sum_up(db, snapshot)
    return snapshot


def _name_of(period: Period) -> str:
    """``October 2026`` for a whole month, else the first and the last day."""
    first, last = period.start, period.end - timedelta(days=1)
    is_month = first.day == period.end.day == 1 and first.month == last.month
    if is_month and first.year == last.year:
        return f"{first:%B %Y}"
    days = dict.fromkeys(f"{day.day} {day:%b %Y}" for day in (first, last))
    return " – ".join(days)


def _add_lines(db: Session, snapshot: PayoutSnapshot) -> None:
    """One statement reads all payments, so the lines are of one moment."""
    cut = vars(_cut(snapshot, payout_bounds(db)))
    asked = {"snapshot": snapshot.id, "ids": uuid4().hex[:20]} | cut
    _over_all_payments(db, ADD_LINES, asked)


def _over_all_payments(db: Session, statement: TextClause, asked: dict[str, Any]) -> Result[Any]:
    """Run a statement over the lines of a payout. What the planner cannot know is how many there
    are: joined row by row, 100,000 payments take minutes, and sorted before they are summed, as
    long again as they take otherwise.
    """
    before = db.execute(PLAN_FOR_MANY).mappings().one()
    found = db.execute(statement, asked)
    db.execute(PLAN_AS_BEFORE, dict(before))
    return found


def _sum_up(db: Session, snapshot: PayoutSnapshot) -> None:
    """Summaries and header of the lines that are not held back."""
    summaries = PayoutSnapshotSummary
    db.execute(delete(summaries).where(summaries.snapshot_id == snapshot.id))
    rows = _over_all_payments(db, ADD_SUMMARIES, {"snapshot": snapshot.id}).all()
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


def get_snapshot(db: Session, snapshot_id: UUID) -> PayoutSnapshot:
    """The header. Raises NotFound."""
    wanted = select(PayoutSnapshot).where(PayoutSnapshot.id == snapshot_id)
    snapshot = db.scalars(wanted, execution_options={"populate_existing": True}).first()
    if snapshot is None:
        raise NotFound("There is no such payout.")
    return snapshot


def rebuild(db: Session, snapshot_id: UUID, by: Viewer) -> PayoutSnapshot:
    """Make the lines of a draft anew from the present. Money that was held back still is, also
    where another record of it counts by now, or a record that may be of it is new in the draft.
    Raises NotAllowed, NotFound and Conflict.
    """
    snapshot = _draft(db, snapshot_id, by)
    snapshot.timezone = current_organization(db).timezone
    db.flush()
    lines = PayoutSnapshotDetail
    before = db.execute(
        select(lines.payment_id, lines.held_back).where(lines.snapshot_id == snapshot.id).distinct()
    ).all()
    listed = {row.payment_id for row in before}
    held = [(row.payment_id, row.held_back) for row in before if row.held_back is not None]
    db.execute(delete(lines).where(lines.snapshot_id == snapshot.id))
    _add_lines(db, snapshot)
    for payment_id, reason in held:
        theirs = {*_same_money(db, payment_id), *(may_be_same(db, payment_id) - listed)}
        _note_held_back(db, snapshot, theirs, reason)
    _sum_up(db, snapshot)
    return snapshot


def hold_back(db: Session, line_id: UUID, reason: str, by: Viewer) -> None:
    """Leave a line of a draft out of this payout, together with the other lines of the same money;
    they come again in the next one.

    Raises:
        NotAllowed: ``by`` is no admin.
        NotFound: no such line.
        InvalidInput: no reason was given.
        Conflict: the payout is no draft.
    """
    if not reason.strip():
        raise InvalidInput("Say in a few words why the line is held back.", field="reason")
    _decide_on_line(db, line_id, reason.strip(), by)


def release(db: Session, line_id: UUID, by: Viewer) -> None:
    """Take what was held back into the draft again. Raises like ``hold_back``."""
    _decide_on_line(db, line_id, None, by)


def _decide_on_line(db: Session, line_id: UUID, reason: str | None, by: Viewer) -> None:
    lines = PayoutSnapshotDetail
    line = db.execute(
        select(lines.snapshot_id, lines.payment_id).where(lines.id == line_id)
    ).first()
    if line is None:
        raise NotFound("There is no such line; the draft may have been rebuilt.")
    snapshot = _draft(db, line.snapshot_id, by)
    _note_held_back(db, snapshot, _same_money(db, line.payment_id), reason)
    _sum_up(db, snapshot)


def _same_money(db: Session, payment_id: UUID) -> Sequence[UUID]:
    return db.scalars(SAME_MONEY, {"payment": payment_id}).all()


def _note_held_back(
    db: Session, snapshot: PayoutSnapshot, payments: Collection[UUID], reason: str | None
) -> None:
    lines = PayoutSnapshotDetail
    theirs = lines.snapshot_id == snapshot.id, lines.payment_id.in_(list(payments))
    db.execute(update(lines).where(*theirs).values(held_back=reason))


def approve(db: Session, snapshot_id: UUID, by: Viewer | None) -> PayoutSnapshot:
    """Approve a draft that equals the present. From then on the database refuses any change to it;
    what changes afterwards is adjusted in the next payout.

    ``by`` is None for a program with a key. One approval of an organisation waits for the other.

    Raises:
        NotAllowed: ``by`` is no admin.
        StaleDraft: the payments have changed since it was made.
        Conflict: it is no draft, its sums do not agree, its days begin before the end of an
            approved payout, or end long after today.
    """
    snapshot = _draft(db, snapshot_id, by)
    bounds = payout_bounds(db)
    if reason := refusal(snapshot, bounds):
        raise Conflict(reason)
    differences = changes_since(db, snapshot, bounds)
    if not differences.empty:
        raise StaleDraft(differences)
    check_sums(db, snapshot)
    start = update(MoneySettings).where(MoneySettings.payouts_start.is_(None))
    db.execute(start.values(payouts_start=bounds.first_start or snapshot.period_start))
    snapshot.state, snapshot.approved_at = SnapshotState.APPROVED, now()
    snapshot.approved_by = None if by is None else by.user_id
    db.flush()
    db.execute(select(func.app.join_counted_pairs(snapshot.id)))
    db.refresh(snapshot)
    return snapshot


def refusal(snapshot: PayoutSnapshot, bounds: Row[Any]) -> str | None:
    """Why a draft cannot be approved whatever its lines: its days begin before the end of an
    approved payout, it would be the first and a draft of earlier days waits, or its days end long
    after today. None where nothing of it is so.
    """
    if bounds.last_end is not None and bounds.last_end > snapshot.period_start:
        return (
            f"“{bounds.last_name}” is approved up to the end of its days; a payout has to begin"
            f" after them. {_what_is_missing(snapshot.period_start, bounds)}"
        )
    is_first = bounds.payouts_start is None and bounds.first_start is None
    if is_first and bounds.waiting_start < snapshot.period_start:
        return (
            f"“{bounds.waiting_name}” has earlier days and is a draft. Payouts count from the first"
            " day of the payout that is approved first, so what was paid before would be in none."
            " Approve or discard that draft first, or set “Payouts count from” under Settings."
        )
    return _too_far_ahead(snapshot.period_end, snapshot.timezone)


def _what_is_missing(day: date, bounds: Row[Any]) -> str:
    """What becomes of payments since that day which no approved payout has."""
    start = bounds.payouts_start or bounds.first_start
    if day >= start:
        return "Whatever is missing there comes into the next payout by itself."
    since = (
        f"Payouts count from {start.day} {start:%b %Y}. What is missing since then comes into the"
        " next payout by itself, what was paid before is in none."
    )
    if bounds.start_stays:
        return f"{since} That day stays, since approved payouts have lines: settle it elsewhere."
    return f"{since} Set “Payouts count from” under Settings to an earlier day to have it paid."


def _too_far_ahead(end: date, timezone: str) -> str | None:
    if end <= today(timezone) + APPROVED_AHEAD:
        return None
    last = end - timedelta(days=1)
    return (
        f"This payout ends on {last.day} {last:%b %Y}, more than two months from today. Check the"
        " year: once it is approved, no other payout can begin before that day."
    )


def mark_paid(db: Session, snapshot_id: UUID, by: Viewer) -> PayoutSnapshot:
    """Note that an approved payout was paid. Raises NotAllowed, NotFound and Conflict."""
    _require_admin(by)
    lock_books(db)
    snapshot = get_snapshot(db, snapshot_id)
    if snapshot.state != SnapshotState.APPROVED:
        raise Conflict("Only an approved payout can be marked as paid.")
    snapshot.state, snapshot.paid_at = SnapshotState.PAID, now()
    db.flush()
    return snapshot


def altered_payouts(db: Session) -> Sequence[str]:
    """The names of approved payouts whose lines are not those that were approved, oldest first."""
    return db.scalars(ALTERED).all()


def discard(db: Session, snapshot_id: UUID, by: Viewer) -> None:
    """Delete a draft. Raises NotAllowed, NotFound and Conflict."""
    snapshot = _draft(db, snapshot_id, by)
    for rows in (PayoutSnapshotDetail, PayoutSnapshotSummary):
        db.execute(delete(rows).where(rows.snapshot_id == snapshot.id))
    db.execute(delete(PayoutSnapshot).where(PayoutSnapshot.id == snapshot.id))


def _draft(db: Session, snapshot_id: UUID, by: Viewer | None) -> PayoutSnapshot:
    """The draft, held against every other decision on the organisation's money."""
    _require_admin(by)
    lock_books(db)
    snapshot = get_snapshot(db, snapshot_id)
    if snapshot.state != SnapshotState.DRAFT:
        raise Conflict("This payout was approved, so it can no longer be changed.")
    return snapshot


def _require_admin(by: Viewer | None) -> None:
    if by is not None and not by.is_admin:
        raise NotAllowed("Only an admin decides on payouts.")


def changes_since(db: Session, snapshot: PayoutSnapshot, bounds: Row[Any]) -> pd.DataFrame:
    """Of a draft, how its lines differ from the present; of an approved payout, what has changed up
    to its end since, which later payouts adjust.

    Columns: payment_id, what (``new``, ``gone``, ``changed``), reason (None for a payment of the
    period), currency, net_then, net_now, closer, setter. Empty when nothing changed.
    """
    is_draft = snapshot.state == SnapshotState.DRAFT
    asked = {"snapshot": snapshot.id, "is_draft": is_draft} | vars(_cut(snapshot, bounds))
    return fetched(_over_all_payments(db, CHANGES, asked))
