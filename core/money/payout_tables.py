"""Payouts as tables: their headers, lines and sums, and the statement of one person."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pandas as pd
from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from core.money.models import LineKind, PayoutSnapshot, PayoutSnapshotDetail, PayoutSnapshotSummary
from core.money.payouts import SUMS
from core.platform.errors import NotFound
from core.platform.money import shown


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
    return pd.DataFrame(db.execute(query).all(), columns=list(columns))


def details_table(db: Session, snapshot_id: UUID) -> pd.DataFrame:
    """The lines of one payout, its payments by date before its adjustments.

    Columns: those of ``payout_snapshot_details`` without organisation and payout. ``reason`` is the
    whole sentence, for an adjustment with its amount; None for an ordinary payment.
    """
    line = PayoutSnapshotDetail
    hidden = {"organization_id", "snapshot_id"}
    columns = [column for column in line.__table__.columns if column.name not in hidden]
    query = (
        select(*columns)
        .where(line.snapshot_id == snapshot_id)
        .order_by(line.kind.desc(), line.payment_date, line.payment_id, line.line_date, line.id)
    )
    rows = [dict(row) | {"reason": _sentence(row)} for row in db.execute(query).mappings()]
    return pd.DataFrame(rows, columns=[column.name for column in columns])


def _sentence(line: RowMapping) -> str | None:
    if line["kind"] == LineKind.PAYMENT:
        return line["reason"]
    return f"{line['reason']}: {signed(line['net_revenue'], line['currency'])}"


def signed(amount: Decimal, currency: str) -> str:
    """The amount as people read it, with a minus that is as wide as a digit: ``−$4,997.00``."""
    return shown(amount, currency).replace("-", "−")


def statement(db: Session) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines and the sums of the one person and payout that the caller's link opens.

    Lines: as ``details_table``. Sums, a row for each currency: currency, payment_count,
    cash_collected, refunds, net_revenue. Raises NotFound for everybody else.
    """
    snapshot_id = db.execute(text("select app.cur_snapshot()")).scalar()
    if snapshot_id is None:
        raise NotFound("There is no such statement.")
    sums = summaries_table(db, snapshot_id)
    return (
        details_table(db, snapshot_id),
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
    return pd.DataFrame(db.execute(query).all(), columns=list(columns))
