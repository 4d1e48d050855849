"""A connection's limit of deliveries is the installation's unless it has one of its own. Those that
had their provider's former one get the installation's: a burst of genuine deliveries exceeded it.
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("webhook_connections", "rate_limit_per_minute", nullable=True, schema="app")
    op.execute("""
        update app.webhook_connections set rate_limit_per_minute = null
         where (provider, rate_limit_per_minute)
            in (('calendly', 100), ('resend', 100), ('stripe', 60), ('whop', 60))
    """)
    op.execute("drop function if exists app.store_delivery(uuid, int, text, jsonb, bytea)")
