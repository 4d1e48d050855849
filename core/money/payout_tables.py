"""Payouts as tables: their headers, lines and sums, and the statement of one person."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from core.money.models import LineKind, PayoutSnapshot, PayoutSnapshotDetail, PayoutSnapshotSummary
from core.money.payouts import SUMS
from core.platform.dataframes import dataframe, fetched
from core.platform.errors import NotFound
from core.platform.money import shown

if TYPE_CHECKING:
    import pandas as pd

HELD_BACK = "Held back. It comes again in a later payout."
# In which words the payout before held back the money of a line that says so. They are per money:
# all lines of it are held back together.
HELD_BEFORE = text("""
    select d.id, max(h.held_back) as words
      from app.payout_snapshot_details d
      join app.payments p on p.organization_id = d.organization_id and p.id = d.payment_id
      join app.payments q on q.organization_id = p.organization_id
       and coalesce(q.superseded_by_id, q.id) = coalesce(p.superseded_by_id, p.id)
      join app.payout_snapshot_details h on h.organization_id = q.organization_id
       and h.payment_id = q.id and h.snapshot_id <> d.snapshot_id and h.held_back is not null
      join app.payout_snapshots s on s.organization_id = h.organization_id
       and s.id = h.snapshot_id and s.state <> 'draft'
     where d.snapshot_id = :snapshot and strpos(d.reason, 'held back in ' || s.name) > 0
     group by 1
""")


def snapshots_table(db: Session) -> pd.DataFrame:
    """Every payout, newest period first.

    Columns: id, name, period_start, period_end, state, payment_count, totals (dict), created_at.
    """
    columns = (
        "id",
        "name",
        "period_start",
        "period_end",
        "state",
        "payment_count",
        "totals",
        "created_at",
    )
    query = select(*(getattr(PayoutSnapshot, column) for column in columns)).order_by(
        PayoutSnapshot.period_start.desc(), PayoutSnapshot.created_at.desc()
    )
    return fetched(db.execute(query))


def details_table(db: Session, snapshot_id: UUID) -> pd.DataFrame:
    """The lines of one payout, its payments by date before its adjustments.

    Columns: those of ``payout_snapshot_details`` without organisation and payout, and
    ``held_before``: why the payout before held the line back, if it did. ``reason`` is the whole
    sentence, for an adjustment with its amount; None for an ordinary payment.
    """
    line = PayoutSnapshotDetail
    hidden = {"organization_id", "snapshot_id"}
    columns = [column for column in line.__table__.columns if column.name not in hidden]
    query = (
        select(*columns)
        .where(line.snapshot_id == snapshot_id)
        .order_by(line.kind.desc(), line.payment_date, line.payment_id, line.line_date, line.id)
    )
    before = {row.id: row.words for row in db.execute(HELD_BEFORE, {"snapshot": snapshot_id})}
    rows = (
        (dict(row) | {"reason": _sentence(row), "held_before": before.get(row["id"])}).values()
        for row in db.execute(query).mappings()
    )
    return dataframe(map(tuple, rows), [*(column.name for column in columns), "held_before"])


def _sentence(line: RowMapping) -> str | None:
    if line["kind"] == LineKind.PAYMENT:
        return line["reason"]
    return f"{line['reason']}: {signed(line['net_revenue'], line['currency'])}"


def signed(amount: Decimal, currency: str) -> str:
    """The amount as people read it, with a minus that is as wide as a digit: ``−$4,997.00``."""
    return shown(amount, currency).replace("-", "−")


def statement(db: Session) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines and the sums of the one person and payout that the caller's link opens.

    Lines: as ``details_table``, without the words in which a line was held back, which are not for
    the person. Sums, a row for each currency: currency, payment_count,
    cash_collected, refunds, net_revenue. Raises NotFound for everybody else.
    """
    snapshot_id = db.execute(text("select app.opened('snapshot')")).scalar()
    if snapshot_id is None:
        raise NotFound("There is no such statement.")
    sums, lines = summaries_table(db, snapshot_id), details_table(db, snapshot_id)
    lines["held_back"] = lines["held_back"].where(lines["held_back"].isna(), HELD_BACK)
    return (
        lines,
        sums.groupby("currency", as_index=False)[["payment_count", *SUMS]].sum(),
    )


def summaries_table(db: Session, snapshot_id: UUID) -> pd.DataFrame:
    """Sums by dimension, largest first.

    Columns: dimension, member_id, label (None = none), currency, payment_count, cash_collected,
    refunds, net_revenue.
    """
    columns = ("dimension", "member_id", "label", "currency", "payment_count", *SUMS)
    query = (
        select(*(getattr(PayoutSnapshotSummary, column) for column in columns))
        .where(PayoutSnapshotSummary.snapshot_id == snapshot_id)
        .order_by(
            PayoutSnapshotSummary.dimension,
            PayoutSnapshotSummary.net_revenue.desc(),
            PayoutSnapshotSummary.label,
        )
    )
    return fetched(db.execute(query))
