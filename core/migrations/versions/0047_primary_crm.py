"""An organisation says which CRM its post-call forms go to, by default none."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    crm = sa.Column("primary_crm", sa.Text(), server_default="none", nullable=False)
    op.add_column("booking_settings", crm, schema="app")
    op.create_check_constraint(
        op.f("ck_booking_settings_primary_crm"),
        "booking_settings",
        "primary_crm in ('none', 'ghl')",
        schema="app",
    )
