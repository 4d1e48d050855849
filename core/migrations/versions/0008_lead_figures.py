"""Leads by when they were received, and the events of a lead."""

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
    op.create_index(
        "ix_events_organization_id_lead_id",
        "events",
        ["organization_id", "lead_id"],
        schema="app",
    )
