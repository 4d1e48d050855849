"""Saved views may come to have one name when the people whom their names mention are erased. Of a
contact the addresses are kept that a manager has still to add.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("drop function if exists app.is_paid_or_booked(text)")
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
    asked: sa.Column[list[str]] = sa.Column(
        "asked_emails",
        postgresql.ARRAY(sa.Text()),
        server_default=sa.text("'{}'"),
        nullable=False,
    )
    op.add_column("contacts", asked, schema="app")
    op.create_index(
        "ix_contacts_asking",
        "contacts",
        ["organization_id"],
        schema="app",
        postgresql_where=sa.text("asked_emails <> '{}'"),
    )
