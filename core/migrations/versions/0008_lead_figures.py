"""Leads by when they were received."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_leads_received",
        "leads",
        ["organization_id", sa.text("coalesce(received_at, created_at)")],
        schema="app",
    )
