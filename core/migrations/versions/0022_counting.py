"""A refund says whether it counts, and a booking whether it stands: neither was cancelled nor
moved. Both follow from their status.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FOLLOWING = {
    "refunds": ("counts", "status <> all (array['failed'::text, 'canceled'::text])"),
    "events": ("stands", "call_status <> all (array['canceled'::text, 'rescheduled'::text])"),
}


def upgrade() -> None:
    for table, (name, condition) in FOLLOWING.items():
        follows = sa.Computed(condition, persisted=True)
        op.add_column(table, sa.Column(name, sa.Boolean(), follows, nullable=False), schema="app")
