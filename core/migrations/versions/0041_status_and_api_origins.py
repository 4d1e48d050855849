"""An organisation has a status. Those that are there work, so they are active; new ones begin by
setting up. Each lists the origins whose pages may call the API, by default none.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0034"
branch_labels = None
depends_on = None

WORDS = "'setting_up', 'active', 'paused', 'offboarded'"


def upgrade() -> None:
    status = sa.Column("status", sa.Text(), server_default="active", nullable=False)
    op.add_column("organizations", status, schema="app")
    op.alter_column("organizations", "status", server_default="setting_up", schema="app")
    op.create_check_constraint(
        op.f("ck_organizations_status"), "organizations", f"status in ({WORDS})", schema="app"
    )
    origins: sa.Column[list[str]] = sa.Column(
        "api_origins", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
    )
    op.add_column("access_settings", origins, schema="app")
    op.execute("drop function if exists app.organizations_overview()")
