"""Payout snapshots by difference: the lines of a payout are what is true of the payments now, less
what approved payouts have counted.

The difference is computed by ``app.open_payout_lines``. Nothing but the lines of an approved payout
is fixed: attribution follows the facts, and the next payout adjusts what changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.orm import Session

from core.money.models import (
    MoneySettings,
    PayoutSnapshot,
    PayoutSnapshotDetail,
    PayoutSnapshotSummary,
    SnapshotState,
)
from core.money.pairs import may_be_same
from core.money.payout_lines import add_lines, changes_since, payout_bounds
from core.money.payout_sums import check_sums, sum_up
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period, now, today
from core.platform.database import organization_id_of
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.platform.names import check_name, check_sentence, is_written
from core.platform.notation import RECORD, notation
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import current_organization

if TYPE_CHECKING:
    import pandas as pd

# A payout may be made and approved shortly before its days are over. One that ends long after today
# has a mistyped year, and once approved it would be in the way of every other until then.
APPROVED_AHEAD = timedelta(days=62)
# The lines of the same money: of the payment, and of the records that it stands for or that stand
# for it.
SAME_MONEY = text("""
    select p.id from app.payments p
     where p.organization_id = app.cur_org() and coalesce(p.superseded_by_id, p.id) = (
           select coalesce(q.superseded_by_id, q.id) from app.payments q
            where q.organization_id = app.cur_org() and q.id = :payment)
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
        name=check_name(name, "") if name and is_written(name) else name_of(period),
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
    add_lines(db, snapshot)
    sum_up(db, snapshot)
    return snapshot


def suggested_period(db: Session, day: date, timezone: str) -> Period:
    """The days of the next payout: those after the last one, draft or not, through the end of the
    last whole month; where they have that already, through the end of the month after them. The
    first payout begins on the day that is set for it, else with the last whole month. Counted from
    ``day``.
    """
    this_month = day.replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    last_end = db.scalars(select(func.max(PayoutSnapshot.period_end))).one()
    start = last_end or payout_bounds(db).payouts_start or last_month
    end = this_month
    if start >= end:
        end = min((start.replace(day=1) + timedelta(days=32)).replace(day=1), day + APPROVED_AHEAD)
    return Period(start, max(end, start + timedelta(days=1)), timezone)


def name_of(period: Period) -> str:
    """``October 2026`` for a whole month, else the first and the last day."""
    first, last = period.start, period.end - timedelta(days=1)
    is_month = first.day == period.end.day == 1 and first.month == last.month
    if is_month and first.year == last.year:
        return f"{first:%B %Y}"
    days = dict.fromkeys(RECORD.day(day) for day in (first, last))
    return " – ".join(days)


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
    add_lines(db, snapshot)
    for payment_id, reason in held:
        theirs = {*_same_money(db, payment_id), *(may_be_same(db, payment_id) - listed)}
        _note_held_back(db, snapshot, theirs, reason)
    sum_up(db, snapshot)
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
    why = check_sentence(reason, field="reason")
    if not why:
        raise InvalidInput("Say in a few words why the line is held back.", field="reason")
    _decide_on_line(db, line_id, why, by)


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
    sum_up(db, snapshot)


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
    if reason := overlap(snapshot.period_start, bounds):
        return reason
    is_first = bounds.payouts_start is None and bounds.first_start is None
    if is_first and bounds.waiting_start < snapshot.period_start:
        return (
            f"“{bounds.waiting_name}” has earlier days and is a draft. Payouts start on the first"
            " day of the payout that is approved first, so what was paid before would be in none."
            " Approve or discard that draft first, or set “Payouts start on” under Settings."
        )
    return _too_far_ahead(snapshot.period_end, snapshot.timezone)


def overlap(first_day: date, bounds: Row[Any]) -> str | None:
    """Why no payout can begin on that day: an approved one has it, or a later day. None where it
    can.
    """
    if bounds.last_end is None or bounds.last_end <= first_day:
        return None
    return (
        f"“{bounds.last_name}” is approved up to the end of its days; a payout has to begin after"
        f" them. {_what_is_missing(first_day, bounds)}"
    )


def _what_is_missing(day: date, bounds: Row[Any]) -> str:
    """What becomes of payments since that day which no approved payout has."""
    start = bounds.payouts_start or bounds.first_start
    if day >= start:
        return "Whatever is missing there comes into the next payout by itself."
    since = (
        f"Payouts start on {notation().day(start)}. What is missing since then comes into the"
        " next payout by itself, what was paid before is in none."
    )
    if bounds.start_stays:
        return f"{since} That day stays, since approved payouts have lines: settle it elsewhere."
    return f"{since} Set “Payouts start on” under Settings to an earlier day to have it paid."


def _too_far_ahead(end: date, timezone: str) -> str | None:
    if end <= today(timezone) + APPROVED_AHEAD:
        return None
    last = end - timedelta(days=1)
    return (
        f"This payout ends on {notation().day(last)}, more than two months from today. Check the"
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
