"""Connections are paused, rotated and deleted; deliveries have a history, are held while their
connection is paused, and a test delivery has a state of its own.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

DELIVERIES = "webhook_deliveries"
OPEN = "ix_webhook_deliveries_open"
STATES = ("pending", "held", "processed", "ignored", "test", "dead")
TESTS = """
    update app.webhook_deliveries set status = 'test', last_error = null
     where status = 'ignored' and event_type = 'test.delivery'
"""


def upgrade() -> None:
    for name in ("paused_at", "previous_secret_until", "deleted_at"):
        _add("webhook_connections", sa.Column(name, sa.TIMESTAMP(timezone=True)))
    _add("connection_activity", sa.Column("tested_at", sa.TIMESTAMP(timezone=True)))
    _add("connection_activity", sa.Column("test_error", sa.Text()))
    nothing = sa.text("'[]'")
    _add(
        DELIVERIES, sa.Column("history", postgresql.JSONB(), server_default=nothing, nullable=False)
    )
    false = sa.text("false")
    _add(
        DELIVERIES,
        sa.Column("by_previous_secret", sa.Boolean(), server_default=false, nullable=False),
    )
    check = op.f(f"ck_{DELIVERIES}_status")
    op.drop_constraint(check, DELIVERIES, schema="app")
    states = ", ".join(map(repr, STATES))
    op.create_check_constraint(check, DELIVERIES, f"status in ({states})", schema="app")
    op.drop_index(OPEN, DELIVERIES, schema="app")
    op.create_index(
        OPEN,
        DELIVERIES,
        ["organization_id", "status"],
        schema="app",
        postgresql_where=sa.text("status in ('pending','held','dead')"),
    )
    # The rows of all organisations are meant.
    op.execute(f"alter table app.{DELIVERIES} no force row level security")
    op.execute(TESTS)
    op.execute(f"alter table app.{DELIVERIES} force row level security")
    # They return, and take, more than before.
    op.execute("drop function if exists app.find_connection(uuid)")
    op.execute(
        "drop function if exists app.store_deliveries(uuid[], int[], text[], text[], bytea[], int)"
    )


def _add(table: str, column: sa.Column[object]) -> None:
    op.add_column(table, column, schema="app")
