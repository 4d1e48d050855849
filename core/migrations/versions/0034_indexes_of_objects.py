"""Indexes of what providers report that cannot be taken for one another: before a table was
analysed, Postgres read all objects of an organisation by the wrong one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLE = "provider_objects"
BEFORE = ("organization_id", "provider", "group_key")


def upgrade() -> None:
    op.drop_index(op.f(f"ix_{TABLE}_{'_'.join(BEFORE)}"), TABLE, schema="app")
    op.create_index(
        f"ix_{TABLE}_group",
        TABLE,
        ["organization_id", "group_key", "provider"],
        schema="app",
        postgresql_where=sa.text("group_key is not null"),
    )
    op.drop_index("ix_provider_links_target", "provider_links", schema="app")
    op.create_index(
        "ix_provider_links_target",
        "provider_links",
        ["organization_id", "target_kind", "target_id", "provider"],
        schema="app",
    )
