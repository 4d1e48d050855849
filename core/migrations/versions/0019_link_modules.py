"""A link is valid in organisations with the module of what it shows, which until now was the
bookings module for every link.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "access_tokens",
        sa.Column("module", sa.Text(), nullable=True, server_default="bookings"),
        schema="app",
    )
    op.alter_column("access_tokens", "module", server_default=None, schema="app")
