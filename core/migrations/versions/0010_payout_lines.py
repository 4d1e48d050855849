"""A payout is made of lines: payments, and adjustments of earlier lines. What the payouts so far
have counted becomes their lines as it stands.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

DETAILS = "payout_snapshot_details"
KINDS = ("payment", "adjustment")
REASONS = (
    "payment",
    "late",
    "refund",
    "dispute",
    "refund_changed",
    "credited",
    "amount",
    "superseded",
    "deleted",
    "failed",
    "moved_later",
    "restored",
)
# Read and changed for every organisation at once, and nobody's edit: policies and triggers are set
# aside meanwhile.
TABLES = (DETAILS, "payout_snapshots", "refunds", "money_settings")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table app.{table} no force row level security")
        op.execute(f"alter table app.{table} disable trigger user")
    op.add_column("money_settings", sa.Column("payouts_start", sa.Date()), schema="app")
    _add_columns()
    _carry_over()
    op.alter_column(DETAILS, "line_date", nullable=False, schema="app")
    for column in ("kind", "reason_code"):
        op.alter_column(DETAILS, column, server_default=None, schema="app")
    op.drop_constraint(
        op.f("uq_payout_snapshot_details_organization_id_snapshot_id_payment_id"),
        DETAILS,
        schema="app",
    )
    op.create_index(
        op.f("ix_payout_snapshot_details_organization_id_snapshot_id"),
        DETAILS,
        ["organization_id", "snapshot_id"],
        schema="app",
    )
    for table in TABLES:
        op.execute(f"alter table app.{table} enable trigger user")


def _add_columns() -> None:
    for name, words in {"kind": KINDS, "reason_code": REASONS}.items():
        column = sa.Column(name, sa.Text(), server_default="payment", nullable=False)
        op.add_column(DETAILS, column, schema="app")
        listed = ", ".join(f"'{word}'" for word in words)
        op.create_check_constraint(
            op.f(f"ck_{DETAILS}_{name}"), DETAILS, f"{name} in ({listed})", schema="app"
        )
    for name in ("refund_ids", "corrects"):
        ids: sa.Column[list[UUID]] = sa.Column(
            name, ARRAY(sa.Uuid()), server_default="{}", nullable=False
        )
        op.add_column(DETAILS, ids, schema="app")
    for name in ("reason", "held_back"):
        op.add_column(DETAILS, sa.Column(name, sa.Text()), schema="app")
    op.add_column(DETAILS, sa.Column("line_date", sa.DateTime(timezone=True)), schema="app")


def _carry_over() -> None:
    """A line of the old rule holds the refunds that were there when its payout was made. Payouts
    start with the first that was approved.
    """
    op.execute("update app.payout_snapshot_details set line_date = payment_date")
    op.execute("""
        update app.payout_snapshot_details d set refund_ids = known.ids
          from (select d.organization_id, d.id, array_agg(r.id) as ids
                  from app.payout_snapshot_details d
                  join app.payout_snapshots s on s.organization_id = d.organization_id
                   and s.id = d.snapshot_id
                  join app.refunds r on r.organization_id = d.organization_id
                   and r.payment_id = d.payment_id and r.created_at <= s.created_at
                 where d.refund_amount <> 0 group by 1, 2) known
         where d.organization_id = known.organization_id and d.id = known.id
    """)
    op.execute("""
        update app.money_settings m set payouts_start = first.day
          from (select organization_id, min(period_start) as day from app.payout_snapshots
                 where state <> 'draft' group by 1) first
         where m.organization_id = first.organization_id
    """)
