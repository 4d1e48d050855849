"""An organisation's own logo, and which lines of the audit log are of one transaction."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0038"
branch_labels = None
depends_on = None

CHECKS = {
    "logo_type": "logo_type in ('image/png', 'image/jpeg', 'image/webp')",
    "logo_size": "octet_length(logo) <= 131072",
    "logo_whole": "num_nulls(logo, logo_type, logo_version) in (0, 3)",
}


def upgrade() -> None:
    for column in (
        sa.Column("logo", sa.LargeBinary()),
        sa.Column("logo_type", sa.Text()),
        sa.Column("logo_version", sa.Text()),
    ):
        op.add_column("organizations", column, schema="app")
    op.add_column("audit_logs", sa.Column("transaction_id", sa.BigInteger()), schema="app")
    op.alter_column(  # by itself: added with a default, older lines would all be of one transaction
        "audit_logs",
        "transaction_id",
        server_default=sa.text("pg_current_xact_id()::text::bigint"),
        schema="app",
    )
    for name, rule in CHECKS.items():
        named = op.f(f"ck_organizations_{name}")
        op.create_check_constraint(named, "organizations", rule, schema="app")
