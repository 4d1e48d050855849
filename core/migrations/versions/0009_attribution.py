"""A person's choice for a payment stands apart from what is computed from it, and payments entered
by hand are paired with the processors' by choice too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("chosen_event_id", sa.Uuid(), nullable=True),
        sa.Column("chosen_by", sa.Uuid(), nullable=True),
        sa.Column("chosen_reason", sa.Text(), nullable=True),
    ):
        op.add_column("payments", column, schema="app")
    _carry_choices_over()
    op.create_check_constraint(
        op.f("ck_payments_choice"),
        "payments",
        "chosen_at is not null or num_nonnulls(chosen_event_id, chosen_by, chosen_reason) = 0",
        schema="app",
    )
    op.create_foreign_key(
        op.f("fk_payments_organization_id_chosen_event_id"),
        "payments",
        "events",
        ["organization_id", "chosen_event_id"],
        ["organization_id", "id"],
        source_schema="app",
        referent_schema="app",
    )
    for name in ("chosen_event_id", "superseded_by_id"):
        op.create_index(
            op.f(f"ix_payments_organization_id_{name}"),
            "payments",
            ["organization_id", name],
            schema="app",
        )
    _make_pairs()


def _carry_choices_over() -> None:
    """Until now a choice was where the payment stood, with a sentence that begins with who chose.

    The rows of all organisations are meant, and none of it is anybody's edit: policies and triggers
    are set aside meanwhile.
    """
    op.execute("alter table app.payments no force row level security")
    op.execute("alter table app.payments disable trigger user")
    op.execute(
        "update app.payments set chosen_at = coalesce(attributed_at, updated_at),"
        " chosen_event_id = event_id,"
        " chosen_reason = regexp_replace(attribution_reason, '^chosen by ', '')"
        " where attribution_method = 'manual'"
    )
    op.execute("alter table app.payments enable trigger user")
    op.execute("alter table app.payments force row level security")


def _make_pairs() -> None:
    table = "payment_pairs"
    op.create_table(
        table,
        sa.Column("entered_id", sa.Uuid(), nullable=False),
        sa.Column("reported_id", sa.Uuid(), nullable=False),
        sa.Column(
            "rep_user_ids",
            sa.ARRAY(sa.Uuid()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        _moment("created_at", "now()"),
        _moment("updated_at", "clock_timestamp()"),
        sa.CheckConstraint(
            "verdict in ('same', 'different', 'open')", name=op.f(f"ck_{table}_verdict")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                ["app.payments.organization_id", "app.payments.id"],
                name=op.f(f"fk_{table}_organization_id_{column}"),
            )
            for column in ("entered_id", "reported_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f(f"fk_{table}_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "organization_id",
            "entered_id",
            "reported_id",
            name=op.f(f"uq_{table}_organization_id_entered_id_reported_id"),
        ),
        schema="app",
        info={"rls": "reps", "audit": True},
    )
    op.create_index(
        op.f(f"ix_{table}_organization_id_reported_id"),
        table,
        ["organization_id", "reported_id"],
        schema="app",
    )


def _moment(name: str, default: str) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text(default), nullable=False
    )
