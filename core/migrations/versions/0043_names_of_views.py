"""Saved views may come to have one name when the people whom their names mention are erased."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    named = ["organization_id", "list_key", "user_id", "name"]
    op.drop_constraint(
        "uq_list_views_organization_id_list_key_user_id_name", "list_views", schema="app"
    )
    op.create_index(
        "ix_list_views_named",
        "list_views",
        named,
        unique=True,
        schema="app",
        postgresql_where=sa.text("name !~ '…|@erased[.]invalid'"),
    )
