"""Invitations, links, resets, second factors, and what privacy asks for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from core.platform.schema import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _people_enqueue_through_the_security_layer()
    op.create_table(
        "invitations",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_normalized", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "last_sent_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
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
        sa.CheckConstraint(
            "role in ('owner','admin','manager','sales_rep','viewer')",
            name=op.f("ck_invitations_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_invitations_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
        schema="app",
        info={"rls": "admin", "audit": True},
    )
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["organization_id", "email_normalized"],
        unique=True,
        schema="app",
        postgresql_where=sa.text("accepted_at is null and revoked_at is null"),
    )
    op.create_table(
        "password_resets",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.id"], name=op.f("fk_password_resets_user_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_password_resets")),
        schema="app",
        info={"rls": "auth", "audit": False},
    )
    op.create_index(
        op.f("ix_password_resets_user_id"),
        "password_resets",
        ["user_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.id"], name=op.f("fk_recovery_codes_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
        schema="app",
        info={"rls": "auth", "audit": False},
    )
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.id"], name=op.f("fk_second_factors_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
        schema="app",
        info={"rls": "auth", "audit": False},
    )
    op.create_table(
        "suppressed_emails",
        sa.Column("email_normalized", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.CheckConstraint(
            "reason in ('bounced','complained','unsubscribed')",
            name=op.f("ck_suppressed_emails_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_suppressed_emails_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_suppressed_emails")),
        sa.UniqueConstraint(
            "organization_id",
            "email_normalized",
            name=op.f("uq_suppressed_emails_organization_id_email_normalized"),
        ),
        schema="app",
        info={"rls": "people", "audit": False},
    )
    op.create_table(
        "access_tokens",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("closer_id", sa.Uuid(), nullable=True),
        sa.Column("setter_id", sa.Uuid(), nullable=True),
        sa.Column("snapshot_id", sa.Uuid(), nullable=True),
        sa.Column(
            "shown",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
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
        sa.CheckConstraint(
            "case purpose when 'portal' then closer_id is not null when 'commission' then"
            " snapshot_id is not null and num_nonnulls(closer_id, setter_id) = 1 else true end",
            name=op.f("ck_access_tokens_subject"),
        ),
        sa.CheckConstraint(
            "purpose in ('share','portal','commission')", name=op.f("ck_access_tokens_purpose")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "closer_id"],
            ["app.closers.organization_id", "app.closers.id"],
            name=op.f("fk_access_tokens_organization_id_closer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "setter_id"],
            ["app.setters.organization_id", "app.setters.id"],
            name=op.f("fk_access_tokens_organization_id_setter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "snapshot_id"],
            ["app.payout_snapshots.organization_id", "app.payout_snapshots.id"],
            name=op.f("fk_access_tokens_organization_id_snapshot_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_access_tokens_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_tokens_token_hash")),
        schema="app",
        info={"rls": "admin", "audit": True},
    )
    op.add_column(
        "contacts",
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        schema="app",
    )
    op.add_column(
        "contacts", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )
    op.add_column(
        "organizations",
        sa.Column(
            "require_second_factor", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        schema="app",
    )
    op.add_column(
        "organizations",
        sa.Column(
            "managers_see_their_team_only",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        schema="app",
    )
    op.add_column(
        "organizations", sa.Column("raw_delivery_days", sa.Integer(), nullable=True), schema="app"
    )
    op.add_column(
        "organizations",
        sa.Column("purge_after", sa.DateTime(timezone=True), nullable=True),
        schema="app",
    )
    op.add_column(
        "sign_in_sessions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        schema="app",
    )
    op.add_column(
        "sign_in_sessions", sa.Column("view_as_user_id", sa.Uuid(), nullable=True), schema="app"
    )
    op.create_unique_constraint(
        op.f("uq_sign_in_sessions_id"), "sign_in_sessions", ["id"], schema="app"
    )
    op.add_column(
        "users",
        sa.Column("tokens_valid_from", sa.DateTime(timezone=True), nullable=True),
        schema="app",
    )
    op.add_column(
        "users", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True), schema="app"
    )


def _people_enqueue_through_the_security_layer() -> None:
    """``app.enqueue`` takes the place of the queue's own functions, and a backup reads all of the
    queue.
    """
    run_script(
        op.get_bind(),
        """
        do $$ declare f regprocedure; begin
          for f in select p.oid::regprocedure from pg_proc p
            where p.pronamespace = 'jobs'::regnamespace
                    and p.proname like 'procrastinate_defer_jobs%' loop
            execute format('revoke all on function %s from so_app, so_definer', f);
          end loop;
        end $$;
        revoke usage on type jobs.procrastinate_job_to_defer_v1 from so_app, so_definer;
        revoke usage on schema jobs from so_app;
        grant select on all tables in schema jobs to so_definer;
        grant select on all sequences in schema jobs to so_definer;
    """,
    )
