"""The references of a payout's lines are checked once for each statement."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

DETAILS = "payout_snapshot_details"


def upgrade() -> None:
    for columns in ("organization_id", "organization_id_snapshot_id", "organization_id_payment_id"):
        op.drop_constraint(op.f(f"fk_{DETAILS}_{columns}"), DETAILS, schema="app")
    # it returns more columns by now, which no replacement may
    op.execute(
        "drop function if exists app.open_payout_lines("
        "timestamptz, timestamptz, timestamptz, text, date)"
    )
