"""Payouts as tables: their headers, lines and sums, and the statement of one person."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Text,
    and_,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import Session

from core.money.models import LineKind, PayoutSnapshot, PayoutSnapshotDetail, PayoutSnapshotSummary
from core.money.payout_sums import SUMS
from core.platform.dataframes import dataframe, fetched
from core.platform.errors import NotFound
from core.platform.money import shown
from core.platform.search import is_amount

if TYPE_CHECKING:
    import pandas as pd

HELD_BACK = "Held back. It comes again in a later payout."
# In which words the payout before held back the money of a line that says so. They are per money:
# all lines of it are held back together.
HELD_BEFORE: ColumnElement[str | None] = literal_column(
    """
    case when strpos(payout_snapshot_details.reason, 'held back in ') > 0 then (
      select max(h.held_back)
        from app.payments p
        join app.payments q on q.organization_id = p.organization_id
         and coalesce(q.superseded_by_id, q.id) = coalesce(p.superseded_by_id, p.id)
        join app.payout_snapshot_details h on h.organization_id = q.organization_id
         and h.payment_id = q.id and h.snapshot_id <> payout_snapshot_details.snapshot_id
         and h.held_back is not null
        join app.payout_snapshots s on s.organization_id = h.organization_id
         and s.id = h.snapshot_id and s.state <> 'draft'
       where p.organization_id = payout_snapshot_details.organization_id
         and p.id = payout_snapshot_details.payment_id
         and strpos(payout_snapshot_details.reason, 'held back in ' || s.name) > 0) end
    """,
    Text,
)
BATCH = 1_000
CURRENCY_SIGNS = re.compile("[^\\w\\s.,@'-]")


@dataclass(frozen=True)
class LineFilter:
    """What the lines of a payout are narrowed to; an empty field does not narrow. ``words`` are of
    the customer, the closer or the amount.
    """

    kind: LineKind | None = None
    is_held_back: bool | None = None
    words: str = ""


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


def _line_columns() -> list[Any]:
    hidden, line = {"organization_id", "snapshot_id"}, PayoutSnapshotDetail
    columns = [column for column in line.__table__.columns if column.name not in hidden]
    return [*columns, HELD_BEFORE.label("held_before")]


def _conditions(snapshot_id: UUID, chosen: LineFilter) -> list[ColumnElement[bool]]:
    line = PayoutSnapshotDetail
    conditions = [line.snapshot_id == snapshot_id]
    if chosen.kind is not None:
        conditions.append(line.kind == chosen.kind)
    if chosen.is_held_back is not None:
        is_held_back = line.held_back.is_not(None)
        conditions.append(is_held_back if chosen.is_held_back else ~is_held_back)
    if words := CURRENCY_SIGNS.sub("", chosen.words).strip():
        amount = func.to_char(line.net_revenue, "FM999,999,999,990.00")
        searched = func.concat_ws(
            " · ",
            func.coalesce(line.customer_name, line.customer_email),
            amount,
            func.replace(amount, ",", ""),
            line.closer_name,
        )
        is_mentioned = func.strpos(func.lower(searched), words.lower()) > 0
        conditions.append(is_mentioned | is_amount(line.net_revenue, words))
    return conditions


def _lines(snapshot_id: UUID, chosen: LineFilter) -> Select[Any]:
    line = PayoutSnapshotDetail
    return (
        select(*_line_columns())
        .where(*_conditions(snapshot_id, chosen))
        .order_by(line.kind.desc(), line.payment_date, line.payment_id, line.line_date, line.id)
    )


def _with_sentence(row: RowMapping) -> dict[str, Any]:
    return dict(row) | {"reason": _sentence(row)}


def details_table(
    db: Session,
    snapshot_id: UUID,
    chosen: LineFilter = LineFilter(),
    *,
    limit: int | None = None,
    offset: int = 0,
) -> pd.DataFrame:
    """Lines of one payout, its payments by date before its adjustments: ``limit`` of them, after
    the first ``offset``.

    Columns: those of ``payout_snapshot_details`` without organisation and payout, and
    ``held_before``: why the payout before held the line back, if it did. ``reason`` is the whole
    sentence, for an adjustment with its amount; None for an ordinary payment. The name of a closer
    or setter without an id is what the booking has.
    """
    query = _lines(snapshot_id, chosen).limit(limit).offset(offset)
    rows = (tuple(_with_sentence(row).values()) for row in db.execute(query).mappings())
    return dataframe(rows, [column.name for column in _line_columns()])


def details_in_batches(
    db: Session, snapshot_id: UUID, chosen: LineFilter = LineFilter()
) -> Iterator[list[dict[str, Any]]]:
    """All lines as ``details_table`` has them, a thousand at a time; Postgres holds the others."""
    query = _lines(snapshot_id, chosen).execution_options(yield_per=BATCH)
    for rows in db.execute(query).mappings().partitions():
        yield [_with_sentence(row) for row in rows]


def count_details(
    db: Session, snapshot_id: UUID, parts: Mapping[str, LineFilter]
) -> dict[str, int]:
    """How many lines each of the parts has."""
    fitting = (and_(*_conditions(snapshot_id, chosen)) for chosen in parts.values())
    query = select(*(func.count().filter(fits) for fits in fitting)).where(
        PayoutSnapshotDetail.snapshot_id == snapshot_id
    )
    return dict(zip(parts, db.execute(query).one(), strict=True))


def payouts_of(db: Session, payment_id: UUID) -> pd.DataFrame:
    """The lines of a payment in payouts that were approved, for whoever may see those. Columns:
    name, approved_at, kind, net_revenue, currency, held_back.
    """
    line, payout = PayoutSnapshotDetail, PayoutSnapshot
    query = (
        select(
            payout.name,
            payout.approved_at,
            line.kind,
            line.net_revenue,
            line.currency,
            line.held_back,
        )
        .join(
            payout,
            (payout.organization_id == line.organization_id) & (payout.id == line.snapshot_id),
        )
        .where(line.payment_id == payment_id, payout.approved_at.is_not(None))
        .order_by(payout.approved_at, line.id)
    )
    return fetched(db.execute(query))


def payments_without_closer(db: Session, snapshot_id: UUID) -> int:
    """How many payments the lines of a payout count for nobody, adjustments that take a payment
    from its closer included. Credited to a closer afterwards, they are that closer's in a later
    payout.
    """
    line = PayoutSnapshotDetail
    query = select(func.count(line.payment_id.distinct())).where(
        line.snapshot_id == snapshot_id,
        line.closer_id.is_(None),
        line.held_back.is_(None),
        line.amount > 0,
    )
    return db.scalars(query).one()


def _sentence(line: RowMapping) -> str | None:
    if line["kind"] == LineKind.PAYMENT:
        return line["reason"]
    return f"{line['reason']}: {signed(line['net_revenue'], line['currency'])}"


def signed(amount: Decimal, currency: str) -> str:
    """The amount as people read it, with a minus that is as wide as a digit: ``−$4,997.00``."""
    return shown(amount, currency).replace("-", "−")


def statement(db: Session) -> tuple[UUID, pd.DataFrame]:
    """The payout that the caller's link opens, and the sums of its one person there, a row for each
    currency: currency, payment_count, cash_collected, refunds, net_revenue. Raises NotFound for
    everybody else.
    """
    snapshot_id = db.execute(text("select app.opened('snapshot')")).scalar()
    if snapshot_id is None:
        raise NotFound("There is no such statement.")
    sums = summaries_table(db, snapshot_id)
    return snapshot_id, sums.groupby("currency", as_index=False)[["payment_count", *SUMS]].sum()


def statement_lines(
    db: Session, snapshot_id: UUID, chosen: LineFilter, *, limit: int, offset: int
) -> pd.DataFrame:
    """Lines of the statement, as ``details_table``, without the words in which a line was held
    back, which are not for the person.
    """
    lines = details_table(db, snapshot_id, chosen, limit=limit, offset=offset)
    lines["held_back"] = lines["held_back"].where(lines["held_back"].isna(), HELD_BACK)
    return lines


def summaries_table(db: Session, snapshot_id: UUID) -> pd.DataFrame:
    """Sums by dimension, largest first.

    Columns: dimension, member_id, label (None for nobody or none), currency, payment_count,
    cash_collected, refunds, net_revenue.
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
