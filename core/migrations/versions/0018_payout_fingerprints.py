"""An approved payout carries the fingerprint of its lines, and of a payment no more has gone back
than its amount.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# Read and changed for every organisation at once, and nobody's edit: policies and triggers are set
# aside meanwhile.
TABLES = ("payout_snapshots", "payout_snapshot_details", "payments")
FINGERPRINTS = """
    update app.payout_snapshots s
       set lines_sha256 = (
           select encode(sha256(convert_to(coalesce(string_agg(jsonb_build_array(
                    d.id::text, d.payment_id::text, d.kind, d.reason_code, d.reason,
                    to_char(d.line_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                    to_char(d.payment_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                    d.processor, d.processor_payment_id, d.currency, d.amount::text,
                    d.refund_amount::text, d.event_id::text, d.closer_id::text, d.closer_name,
                    d.setter_id::text, d.setter_name, d.source_id::text, d.source_name,
                    d.package_id::text, d.package_name, d.attribution_method,
                    array_to_string(d.refund_ids, ','), array_to_string(d.corrects, ','),
                    case when d.held_back is null then 'counted' else 'held back' end)::text,
                  E'\\n' order by d.id), ''), 'UTF8')), 'hex')
             from app.payout_snapshot_details d
            where d.organization_id = s.organization_id and d.snapshot_id = s.id)
     where s.state <> 'draft'
"""


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table app.{table} no force row level security")
        op.execute(f"alter table app.{table} disable trigger user")
    op.add_column("payout_snapshots", sa.Column("lines_sha256", sa.Text()), schema="app")
    op.execute(FINGERPRINTS)
    op.execute("""
        update app.payments set refund_amount = amount, updated_at = clock_timestamp()
         where refund_amount > amount
    """)
    for table in TABLES:
        op.execute(f"alter table app.{table} enable trigger user")
