"""Payout snapshots: a period's payments as they stand now, frozen, and summed to the cent."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import pandas as pd
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from core.money.models import (
    PayoutSnapshot,
    PayoutSnapshotDetail,
    PayoutSnapshotSummary,
    SnapshotState,
)
from core.platform.clock import Period, now
from core.platform.database import organization_id_of
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.tenancy.access.viewers import Viewer

DIMENSIONS = ("closer", "setter", "source", "package")
SUMS = ("cash_collected", "refunds", "net_revenue")

ADD_DETAILS = text("""
    insert into app.payout_snapshot_details (
        organization_id, snapshot_id, payment_id, payment_date, customer_email, customer_name,
        processor, processor_payment_id, currency, amount, refund_amount, net_revenue, event_id,
        closer_id, closer_name, setter_id, setter_name, source_id, source_name, package_id,
        package_name, attribution_method, attribution_reason)
    select p.organization_id, :snapshot, p.id, p.payment_date, p.customer_email, p.customer_name,
           p.processor, p.processor_payment_id, p.currency, p.amount, p.refund_amount,
           p.net_revenue, p.event_id, p.closer_id, coalesce(c.name, e.closer_name), p.setter_id,
           coalesce(s.name, e.setter_name), p.source_id, o.name,
           p.package_id, k.name, p.attribution_method, p.attribution_reason
      from app.payments p
      left join app.events e on e.organization_id = p.organization_id and e.id = p.event_id
      left join app.closers c on c.organization_id = p.organization_id and c.id = p.closer_id
      left join app.setters s on s.organization_id = p.organization_id and s.id = p.setter_id
      left join app.sources o on o.organization_id = p.organization_id and o.id = p.source_id
      left join app.packages k on k.organization_id = p.organization_id and k.id = p.package_id
     where p.organization_id = :org and p.counts and p.payment_date >= :starts_at
       and p.payment_date < :ends_at
""")
ADD_SUMMARY = """
    insert into app.payout_snapshot_summaries (
        organization_id, snapshot_id, dimension, member_id, label, currency, payment_count,
        cash_collected, refunds, net_revenue)
    select organization_id, snapshot_id, '{0}', {0}_id, {0}_name, currency,
           count(*), sum(amount), sum(refund_amount), sum(net_revenue)
      from app.payout_snapshot_details where snapshot_id = :snapshot
     group by organization_id, snapshot_id, {0}_id, {0}_name, currency
"""


def create_snapshot(db: Session, name: str, period: Period, by: Viewer | None) -> PayoutSnapshot:
    """Freeze the payments dated in ``period`` as a draft: each as it stands, with sums by closer,
    setter, source, package.

    ``by`` is None for a program with a key. Raises InvalidInput without a name.
    """
    if not name.strip():
        raise InvalidInput("Give the payout a name, for example “October 2026”.", field="name")
    snapshot = PayoutSnapshot(
        organization_id=organization_id_of(db),
        id=uuid4(),
        name=name.strip(),
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
    # One statement reads all payments, so the snapshot is of one moment.
    db.execute(
        ADD_DETAILS,
        {
            "snapshot": snapshot.id,
            "org": organization_id_of(db),
            "starts_at": period.starts_at,
            "ends_at": period.ends_at,
        },
    )
    for dimension in DIMENSIONS:
        db.execute(text(ADD_SUMMARY.format(dimension)), {"snapshot": snapshot.id})
    sums = _sums(db, snapshot.id, "payout_snapshot_details", "amount, refund_amount, net_revenue")
    snapshot.totals = {
        currency: dict(zip(SUMS, map(str, values), strict=True))
        for currency, values in sums.items()
    }
    snapshot.payment_count = db.execute(
        text("select count(*) from app.payout_snapshot_details where snapshot_id = :snapshot"),
        {"snapshot": snapshot.id},
    ).scalar_one()
    db.flush()
    check_sums(db, snapshot)
    return snapshot


def _sums(
    db: Session, snapshot_id: UUID, table: str, columns: str, where: str = "true"
) -> dict[str, tuple[Decimal, ...]]:
    sums = ", ".join(f"sum({column.strip()})" for column in columns.split(","))
    query = text(
        f"select currency, {sums} from app.{table} where snapshot_id = :snapshot and {where} group"
        " by currency"
    )
    return {row[0]: tuple(row[1:]) for row in db.execute(query, {"snapshot": snapshot_id})}


def check_sums(db: Session, snapshot: PayoutSnapshot) -> None:
    """Details, each summary and the header must agree to the cent. Raises Conflict when they do
    not.
    """
    details = _sums(
        db, snapshot.id, "payout_snapshot_details", "amount, refund_amount, net_revenue"
    )
    header = {
        currency: tuple(Decimal(sums[name]) for name in SUMS)
        for currency, sums in snapshot.totals.items()
    }
    summaries = [
        _sums(
            db,
            snapshot.id,
            "payout_snapshot_summaries",
            ", ".join(SUMS),
            f"dimension = '{dimension}'",
        )
        for dimension in DIMENSIONS
    ]
    if any(sums != details for sums in (header, *summaries)):
        raise Conflict(
            "The payout does not add up; nothing was saved. Try again, and report it if it happens"
            " twice."
        )


def get_snapshot(db: Session, snapshot_id: UUID) -> PayoutSnapshot:
    """The header. Raises NotFound."""
    snapshot = db.scalars(select(PayoutSnapshot).where(PayoutSnapshot.id == snapshot_id)).first()
    if snapshot is None:
        raise NotFound("There is no such payout.")
    return snapshot


def approve(db: Session, snapshot_id: UUID, by: Viewer) -> PayoutSnapshot:
    """Approve a draft. From then on the database refuses any change to it, and its payments stay
    attributed as they are.

    Raises:
        NotAllowed: ``by`` is no admin.
        Conflict: it is no draft, its sums do not agree, or another approved payout has already
            counted one of its payments.
    """
    snapshot = _draft(db, snapshot_id, by)
    counted = db.execute(
        text("""
        select count(*) from app.payout_snapshot_details d
          join app.payout_snapshot_details other on other.organization_id = d.organization_id
           and other.payment_id = d.payment_id and other.snapshot_id <> d.snapshot_id
          join app.payout_snapshots s on s.organization_id = other.organization_id
            and s.id = other.snapshot_id
           and s.state <> 'draft'
         where d.snapshot_id = :snapshot
    """),
        {"snapshot": snapshot.id},
    ).scalar_one()
    if counted:
        raise Conflict(
            f"{counted} of its payments are in a payout that was approved before; they would be"
            " paid twice."
        )
    check_sums(db, snapshot)
    snapshot.state, snapshot.approved_by, snapshot.approved_at = (
        SnapshotState.APPROVED,
        by.user_id,
        now(),
    )
    db.flush()
    return snapshot


def mark_paid(db: Session, snapshot_id: UUID, by: Viewer) -> PayoutSnapshot:
    """Note that an approved payout was paid. Raises NotAllowed, NotFound and Conflict."""
    _require_admin(by)
    snapshot = get_snapshot(db, snapshot_id)
    if snapshot.state != SnapshotState.APPROVED:
        raise Conflict("Only an approved payout can be marked as paid.")
    snapshot.state, snapshot.paid_at = SnapshotState.PAID, now()
    db.flush()
    return snapshot


def discard(db: Session, snapshot_id: UUID, by: Viewer) -> None:
    """Delete a draft. Raises NotAllowed, NotFound and Conflict."""
    snapshot = _draft(db, snapshot_id, by)
    for rows in (PayoutSnapshotDetail, PayoutSnapshotSummary):
        db.execute(delete(rows).where(rows.snapshot_id == snapshot.id))
    db.execute(delete(PayoutSnapshot).where(PayoutSnapshot.id == snapshot.id))


def _draft(db: Session, snapshot_id: UUID, by: Viewer) -> PayoutSnapshot:
    _require_admin(by)
    snapshot = get_snapshot(db, snapshot_id)
    if snapshot.state != SnapshotState.DRAFT:
        raise Conflict("This payout was approved, so it can no longer be changed.")
    return snapshot


def _require_admin(by: Viewer) -> None:
    if not by.is_admin:
        raise NotAllowed("Only an admin decides on payouts.")


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
    """The payments of one payout as they were, by date. Columns: those of
    ``payout_snapshot_details`` without the keys.
    """
    query = (
        select(PayoutSnapshotDetail)
        .where(PayoutSnapshotDetail.snapshot_id == snapshot_id)
        .order_by(PayoutSnapshotDetail.payment_date, PayoutSnapshotDetail.payment_id)
    )
    hidden = {"organization_id", "id", "snapshot_id"}
    columns = [
        column.name
        for column in PayoutSnapshotDetail.__table__.columns
        if column.name not in hidden
    ]
    return pd.DataFrame(
        [[getattr(row, column) for column in columns] for row in db.scalars(query)], columns=columns
    )


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


def changes_since(db: Session, snapshot_id: UUID) -> pd.DataFrame:
    """What a payout of the same period would count differently today.

    Columns: payment_id, what (``new``, ``gone``, ``changed``), then and now net revenue, currency,
    then and now closer. Empty when nothing changed.
    """
    snapshot = get_snapshot(db, snapshot_id)
    period = Period(snapshot.period_start, snapshot.period_end, snapshot.timezone)
    query = text("""
        select coalesce(d.payment_id, p.id) as payment_id,
               case when d.payment_id is null then 'new' when p.id is null
                 then 'gone' else 'changed' end as what,
               coalesce(p.currency, d.currency) as currency, d.net_revenue as net_then,
               p.net_revenue as net_now,
               d.closer_name as closer_then, c.name as closer_now
          from (select * from app.payout_snapshot_details where snapshot_id = :snapshot) d
          full join (select * from app.payments where counts and payment_date >= :starts_at
            and payment_date < :ends_at) p
            on p.id = d.payment_id
          left join app.closers c on c.organization_id = p.organization_id and c.id = p.closer_id
         where d.payment_id is null or p.id is null or d.net_revenue <> p.net_revenue
            or d.closer_id is distinct from p.closer_id or d.setter_id is distinct from p.setter_id
         order by 2, 1
    """)
    changed = query.bindparams(
        snapshot=snapshot_id, starts_at=period.starts_at, ends_at=period.ends_at
    )
    return pd.read_sql(changed, db.connection())
