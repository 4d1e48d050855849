"""A booking says whether its closer was found by name alone. Of earlier ones it is not known, and
they stay whose they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "events",
        sa.Column("closer_by_name", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="app",
    )
