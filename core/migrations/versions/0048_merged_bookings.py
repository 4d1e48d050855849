"""Two bookings of one meeting are merged, and what people decide of such pairs is stored."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    hours = sa.Column("duplicate_hours", sa.Integer(), server_default="24", nullable=False)
    op.add_column("booking_settings", hours, schema="app")
    op.add_column("events", sa.Column("merged_into_id", sa.Uuid()), schema="app")
    op.create_foreign_key(
        op.f("fk_events_organization_id_merged_into_id"),
        "events",
        "events",
        ["organization_id", "merged_into_id"],
        ["organization_id", "id"],
        source_schema="app",
        referent_schema="app",
    )
    for name, rule in (
        ("merged_is_gone", "merged_into_id is null or deleted_at is not null"),
        ("merged_into_another", "merged_into_id <> id"),
    ):
        op.create_check_constraint(op.f(f"ck_events_{name}"), "events", rule, schema="app")
    op.create_index(
        op.f("ix_events_organization_id_merged_into_id"),
        "events",
        ["organization_id", "merged_into_id"],
        schema="app",
        postgresql_where=sa.text("merged_into_id is not null"),
    )
    _create_pairs()


def _create_pairs() -> None:
    table = "event_pairs"
    op.create_table(
        table,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column(
            "rep_user_ids", sa.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("taken", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        *(
            sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)
            for name in ("took_form", "cash_set_aside")
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("event_id <> other_id", name=op.f(f"ck_{table}_of_two")),
        sa.CheckConstraint(
            "verdict in ('open', 'merged', 'different')", name=op.f(f"ck_{table}_verdict")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f(f"fk_{table}_organization_id"),
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                ["app.events.organization_id", "app.events.id"],
                name=op.f(f"fk_{table}_organization_id_{column}"),
            )
            for column in ("event_id", "other_id")
        ),
        sa.UniqueConstraint(
            "organization_id",
            "event_id",
            "other_id",
            name=op.f(f"uq_{table}_organization_id_event_id_other_id"),
        ),
        schema="app",
    )
    op.create_index(
        op.f(f"ix_{table}_organization_id_other_id"),
        table,
        ["organization_id", "other_id"],
        schema="app",
    )
