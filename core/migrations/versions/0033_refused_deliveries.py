"""What a connection's receiver has refused is known to the connection, and not to the log alone."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("refused_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused_since", sa.TIMESTAMP(timezone=True)),
        sa.Column("refused_at", sa.TIMESTAMP(timezone=True)),
        sa.Column("refusal", sa.Text()),
    ):
        op.add_column("connection_activity", column, schema="app")
