"""Workers take deliveries from their own table, many at a time, and no longer one job for each.
What waited as a job waits there now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
        ),
        sa.Column("is_replay", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    ):
        op.add_column("webhook_deliveries", column, schema="app")
    op.create_index(
        "ix_webhook_deliveries_waiting",
        "webhook_deliveries",
        ["organization_id", "is_replay", "received_at", "id"],
        schema="app",
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.execute("""
        update app.webhook_deliveries set failures = attempts
         where status = 'pending' and attempts > 0
    """)
    op.execute("delete from jobs.procrastinate_jobs where task_name = 'process_delivery'")
