"""New deliveries have no time at which they are due, and those that wait for theirs are found by
it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLE = "webhook_deliveries"
IN_ORDER = ("is_replay", "received_at", "id")
INDEXES = {
    "new": (IN_ORDER, "status = 'pending' and due_at is null"),
    "put_back": (
        ("due_at", *IN_ORDER),
        "status = 'pending' and failures = 0 and due_at is not null",
    ),
    "failed": (("due_at", *IN_ORDER), "status = 'pending' and failures > 0"),
}


def upgrade() -> None:
    op.drop_index(f"ix_{TABLE}_waiting", TABLE, schema="app")
    op.alter_column(TABLE, "due_at", nullable=True, server_default=None, schema="app")
    # The rows of all organisations are meant.
    op.execute("alter table app.webhook_deliveries no force row level security")
    op.execute("""
        update app.webhook_deliveries set due_at = null
         where status = 'pending' and failures = 0 and due_at <= clock_timestamp()
    """)
    op.execute("alter table app.webhook_deliveries force row level security")
    for name, (columns, condition) in INDEXES.items():
        op.create_index(
            f"ix_{TABLE}_{name}",
            TABLE,
            ["organization_id", *columns],
            schema="app",
            postgresql_where=sa.text(condition),
        )
