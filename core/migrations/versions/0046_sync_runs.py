"""What is read from providers, again and again or for a period, leaves a row for each run."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0043"
branch_labels = None
depends_on = None

WORDS = "'waiting', 'running', 'success', 'failed', 'deferred', 'cancelled'"


def upgrade() -> None:
    op.create_table(
        "sync_runs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        _moment("since", nullable=False),
        sa.Column("whole", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("cursor", postgresql.JSONB(), nullable=True),
        _count("attempts"),
        _moment("leased_until"),
        _count("seen"),
        _count("written"),
        _count("refused"),
        sa.Column("reached", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        _moment("started_at"),
        _moment("ended_at"),
        _moment("retry_at"),
        _moment("cancel_asked_at"),
        sa.CheckConstraint(f"status in ({WORDS})", name=op.f("ck_sync_runs_status")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_sync_runs_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_sync_runs")),
        schema="app",
    )
    op.create_index(
        "uq_sync_runs_open",
        "sync_runs",
        ["organization_id", "provider", "what"],
        unique=True,
        schema="app",
        postgresql_where=sa.text("status in ('waiting','running')"),
    )
    op.create_index(
        op.f("ix_sync_runs_organization_id_provider_what_asked_at"),
        "sync_runs",
        ["organization_id", "provider", "what", "asked_at"],
        schema="app",
    )


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
