"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor_user_id", sa.Uuid(), nullable=True),
        sa.Column("actor_role", sa.Text(), nullable=True),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_audit_logs")),
        schema="app",
        info={"rls": "audit", "audit": False},
    )
    op.create_index(
        op.f("ix_audit_logs_organization_id_at"),
        "audit_logs",
        ["organization_id", "at"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_audit_logs_organization_id_table_name_row_id"),
        "audit_logs",
        ["organization_id", "table_name", "row_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), server_default="US", nullable=False),
        sa.Column(
            "modules",
            postgresql.ARRAY(Text()),
            server_default=sa.text("'{bookings}'"),
            nullable=False,
        ),
        sa.Column("plan", sa.Text(), server_default="team", nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pcf_grace_hours", sa.Integer(), server_default=sa.text("24"), nullable=False),
        sa.Column("late_cancel_hours", sa.Integer(), server_default=sa.text("24"), nullable=False),
        sa.Column("setter_utm_field", sa.Text(), server_default="utm_source", nullable=False),
        sa.Column("setter_question", sa.Text(), nullable=True),
        sa.Column("forward_attribution_days", sa.Integer(), nullable=True),
        sa.Column("reconciliation_days", sa.Integer(), server_default=sa.text("3"), nullable=False),
        sa.Column(
            "accept_test_mode", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "leaderboards_visible", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column(
            "leaderboards_show_money", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column(
            "slack_report_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("slack_report_hour", sa.Integer(), server_default=sa.text("8"), nullable=False),
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
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_organizations_currency")),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("ck_organizations_slug")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organizations_slug")),
        schema="app",
        info={"rls": "organization", "audit": True},
    )
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_start", name=op.f("pk_rate_limits")),
        schema="app",
        info={"rls": "auth", "audit": False},
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_normalized", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_normalized", name=op.f("uq_users_email_normalized")),
        schema="app",
        info={"rls": "users", "audit": True},
    )
    op.create_table(
        "activities",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("closer_user_id", sa.Uuid(), nullable=True),
        sa.Column("setter_user_id", sa.Uuid(), nullable=True),
        sa.Column("actor_user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_activities_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_activities")),
        sa.UniqueConstraint(
            "organization_id", "dedupe_key", name=op.f("uq_activities_organization_id_dedupe_key")
        ),
        schema="app",
        info={"rls": "timeline", "audit": False},
    )
    op.create_index(
        op.f("ix_activities_organization_id_at"),
        "activities",
        ["organization_id", "at"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_activities_organization_id_contact_id_at"),
        "activities",
        ["organization_id", "contact_id", "at"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_activities_organization_id_subject_type_subject_id_at"),
        "activities",
        ["organization_id", "subject_type", "subject_id", "at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "api_keys",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_api_keys_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        schema="app",
        info={"rls": "admin", "audit": True},
    )
    op.create_table(
        "call_types",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("calendly_event_type_uri", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_call_types_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_call_types")),
        sa.UniqueConstraint(
            "organization_id", "name", name=op.f("uq_call_types_organization_id_name")
        ),
        schema="app",
        info={"rls": "config", "audit": True},
    )
    op.create_index(
        op.f("ix_call_types_organization_id_calendly_event_type_uri"),
        "call_types",
        ["organization_id", "calendly_event_type_uri"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "closers",
        sa.Column("calendly_user_uri", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_normalized", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "aliases", postgresql.ARRAY(Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_closers_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_closers")),
        schema="app",
        info={"rls": "config", "audit": True},
    )
    op.create_index(
        op.f("ix_closers_organization_id_calendly_user_uri"),
        "closers",
        ["organization_id", "calendly_user_uri"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_closers_organization_id_email_normalized"),
        "closers",
        ["organization_id", "email_normalized"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "contacts",
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_normalized", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_e164", sa.Text(), nullable=True),
        sa.Column("closer_user_id", sa.Uuid(), nullable=True),
        sa.Column("setter_user_id", sa.Uuid(), nullable=True),
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
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_contacts_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_contacts")),
        schema="app",
        info={"rls": "reps_private", "audit": True},
    )
    op.create_index(
        op.f("ix_contacts_organization_id_phone_e164"),
        "contacts",
        ["organization_id", "phone_e164"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "job_runs",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_job_runs_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_job_runs")),
        schema="app",
        info={"rls": "inbox", "audit": False},
    )
    op.create_index(
        op.f("ix_job_runs_organization_id_started_at"),
        "job_runs",
        ["organization_id", "started_at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "list_entries",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.CheckConstraint(
            "kind in"
            " ('call_outcome','opportunity_status','objection','no_show_reason','no_sale_reason')",
            name=op.f("ck_list_entries_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_list_entries_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_list_entries")),
        sa.UniqueConstraint(
            "organization_id",
            "kind",
            "name",
            name=op.f("uq_list_entries_organization_id_kind_name"),
        ),
        schema="app",
        info={"rls": "config", "audit": True},
    )
    op.create_table(
        "organization_members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("manager_user_id", sa.Uuid(), nullable=True),
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
            name=op.f("ck_organization_members_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_organization_members_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.id"], name=op.f("fk_organization_members_user_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "user_id", name=op.f("pk_organization_members")),
        schema="app",
        info={"rls": "members", "audit": True},
    )
    op.create_index(
        op.f("ix_organization_members_user_id"),
        "organization_members",
        ["user_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "outbox",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
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
            "status in ('waiting','sending','sent','failed','uncertain')",
            name=op.f("ck_outbox_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_outbox_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_outbox")),
        sa.UniqueConstraint(
            "organization_id", "dedupe_key", name=op.f("uq_outbox_organization_id_dedupe_key")
        ),
        schema="app",
        info={"rls": "outbox", "audit": False},
    )
    op.create_index(
        op.f("ix_outbox_organization_id_created_at"),
        "outbox",
        ["organization_id", "created_at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "packages",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(precision=18, scale=3), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_packages_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_packages")),
        sa.UniqueConstraint(
            "organization_id", "name", name=op.f("uq_packages_organization_id_name")
        ),
        schema="app",
        info={"rls": "config", "audit": True},
    )
    op.create_table(
        "payout_snapshots",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("totals", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("payment_count", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
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
            "state in ('draft','approved','paid')", name=op.f("ck_payout_snapshots_state")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_payout_snapshots_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_payout_snapshots")),
        schema="app",
        info={"rls": "payouts", "audit": True},
    )
    op.create_index(
        op.f("ix_payout_snapshots_organization_id_period_start"),
        "payout_snapshots",
        ["organization_id", "period_start"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "setters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_normalized", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "aliases", postgresql.ARRAY(Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_setters_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_setters")),
        schema="app",
        info={"rls": "config", "audit": True},
    )
    op.create_index(
        op.f("ix_setters_organization_id_email_normalized"),
        "setters",
        ["organization_id", "email_normalized"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "sign_in_sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_sign_in_sessions_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.id"], name=op.f("fk_sign_in_sessions_user_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_sessions")),
        schema="app",
        info={"rls": "auth", "audit": False},
    )
    op.create_index(
        op.f("ix_sign_in_sessions_user_id"),
        "sign_in_sessions",
        ["user_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "sign_in_tickets",
        sa.Column("ticket_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.id"], name=op.f("fk_sign_in_tickets_user_id")
        ),
        sa.PrimaryKeyConstraint("ticket_hash", name=op.f("pk_sign_in_tickets")),
        schema="app",
        info={"rls": "auth", "audit": False},
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "utm_values", postgresql.ARRAY(Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_sources_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_sources")),
        sa.UniqueConstraint(
            "organization_id", "name", name=op.f("uq_sources_organization_id_name")
        ),
        schema="app",
        info={"rls": "config", "audit": True},
    )
    op.create_table(
        "traffic_types",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "utm_values", postgresql.ARRAY(Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_traffic_types_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_traffic_types")),
        sa.UniqueConstraint(
            "organization_id", "name", name=op.f("uq_traffic_types_organization_id_name")
        ),
        schema="app",
        info={"rls": "config", "audit": True},
    )
    op.create_table(
        "user_roles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint("role in ('super_admin')", name=op.f("ck_user_roles_role")),
        sa.ForeignKeyConstraint(["user_id"], ["app.users.id"], name=op.f("fk_user_roles_user_id")),
        sa.PrimaryKeyConstraint("user_id", "role", name=op.f("pk_user_roles")),
        schema="app",
        info={"rls": "auth", "audit": True},
    )
    op.create_table(
        "vault_secrets",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_vault_secrets_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_vault_secrets")),
        sa.UniqueConstraint(
            "organization_id",
            "owner_id",
            "name",
            name=op.f("uq_vault_secrets_organization_id_owner_id_name"),
        ),
        schema="app",
        info={"rls": "secret", "audit": True},
    )
    op.create_table(
        "webhook_connections",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("external_account_id", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("rate_limit_per_minute", sa.Integer(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_webhook_connections_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_webhook_connections")),
        sa.UniqueConstraint("id", name=op.f("uq_webhook_connections_id")),
        schema="app",
        info={"rls": "settings", "audit": True},
    )
    op.create_index(
        op.f("ix_webhook_connections_organization_id_provider"),
        "webhook_connections",
        ["organization_id", "provider"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "connection_activity",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_webhook_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "connection_id"],
            ["app.webhook_connections.organization_id", "app.webhook_connections.id"],
            name=op.f("fk_connection_activity_organization_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "connection_id", name=op.f("pk_connection_activity")
        ),
        schema="app",
        info={"rls": "inbox", "audit": False},
    )
    op.create_table(
        "contact_emails",
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_normalized", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["app.contacts.organization_id", "app.contacts.id"],
            name=op.f("fk_contact_emails_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_contact_emails_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_contact_emails")),
        sa.UniqueConstraint(
            "organization_id",
            "email_normalized",
            name=op.f("uq_contact_emails_organization_id_email_normalized"),
        ),
        schema="app",
        info={"rls": "people", "audit": True},
    )
    op.create_index(
        op.f("ix_contact_emails_organization_id_contact_id"),
        "contact_emails",
        ["organization_id", "contact_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "leads",
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default="new", nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("traffic_type_id", sa.Uuid(), nullable=True),
        sa.Column("original_setter_name", sa.Text(), nullable=True),
        sa.Column("current_setter_name", sa.Text(), nullable=True),
        sa.Column("closer_user_id", sa.Uuid(), nullable=True),
        sa.Column("setter_user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "raw_data",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["app.contacts.organization_id", "app.contacts.id"],
            name=op.f("fk_leads_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "source_id"],
            ["app.sources.organization_id", "app.sources.id"],
            name=op.f("fk_leads_organization_id_source_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "traffic_type_id"],
            ["app.traffic_types.organization_id", "app.traffic_types.id"],
            name=op.f("fk_leads_organization_id_traffic_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_leads_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_leads")),
        schema="app",
        info={"rls": "reps", "audit": False},
    )
    op.create_index(
        op.f("ix_leads_organization_id_contact_id"),
        "leads",
        ["organization_id", "contact_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_leads_organization_id_created_at"),
        "leads",
        ["organization_id", "created_at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "payout_snapshot_summaries",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_count", sa.Integer(), nullable=False),
        sa.Column("cash_collected", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("refunds", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("net_revenue", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.CheckConstraint(
            "dimension in ('closer','setter','source','package')",
            name=op.f("ck_payout_snapshot_summaries_dimension"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "snapshot_id"],
            ["app.payout_snapshots.organization_id", "app.payout_snapshots.id"],
            name=op.f("fk_payout_snapshot_summaries_organization_id_snapshot_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_payout_snapshot_summaries_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_payout_snapshot_summaries")),
        schema="app",
        info={"rls": "payouts", "audit": True},
    )
    op.create_index(
        op.f("ix_payout_snapshot_summaries_organization_id_snapshot_id"),
        "payout_snapshot_summaries",
        ["organization_id", "snapshot_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "provider_objects",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("group_key", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=Text()), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["organization_id", "connection_id"],
            ["app.webhook_connections.organization_id", "app.webhook_connections.id"],
            name=op.f("fk_provider_objects_organization_id_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_provider_objects_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_provider_objects")),
        sa.UniqueConstraint(
            "organization_id",
            "connection_id",
            "kind",
            "external_id",
            name=op.f("uq_provider_objects_organization_id_connection_id_kind_external_id"),
        ),
        schema="app",
        info={"rls": "inbox", "audit": False},
    )
    op.create_index(
        op.f("ix_provider_objects_organization_id_connection_id_group_key"),
        "provider_objects",
        ["organization_id", "connection_id", "group_key"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("delivery_key", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.CheckConstraint(
            "status in ('pending','processed','ignored','dead')",
            name=op.f("ck_webhook_deliveries_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "connection_id"],
            ["app.webhook_connections.organization_id", "app.webhook_connections.id"],
            name=op.f("fk_webhook_deliveries_organization_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "organization_id",
            "connection_id",
            "delivery_key",
            name=op.f("uq_webhook_deliveries_organization_id_connection_id_delivery_key"),
        ),
        schema="app",
        info={"rls": "inbox", "audit": False},
    )
    op.create_index(
        "ix_webhook_deliveries_open",
        "webhook_deliveries",
        ["organization_id", "status"],
        unique=False,
        schema="app",
        postgresql_where=sa.text("status in ('pending','dead')"),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_organization_id_connection_id_received_at"),
        "webhook_deliveries",
        ["organization_id", "connection_id", "received_at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "events",
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("lead_name", sa.Text(), nullable=True),
        sa.Column("lead_email", sa.Text(), nullable=True),
        sa.Column("lead_email_normalized", sa.Text(), nullable=True),
        sa.Column("lead_phone", sa.Text(), nullable=True),
        sa.Column("closer_id", sa.Uuid(), nullable=True),
        sa.Column("closer_name", sa.Text(), nullable=True),
        sa.Column("closer_user_id", sa.Uuid(), nullable=True),
        sa.Column("setter_id", sa.Uuid(), nullable=True),
        sa.Column("setter_name", sa.Text(), nullable=True),
        sa.Column("setter_user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "other_hosts",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("call_type_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("traffic_type_id", sa.Uuid(), nullable=True),
        sa.Column("utm_source", sa.Text(), nullable=True),
        sa.Column("utm_medium", sa.Text(), nullable=True),
        sa.Column("utm_campaign", sa.Text(), nullable=True),
        sa.Column("utm_content", sa.Text(), nullable=True),
        sa.Column("utm_term", sa.Text(), nullable=True),
        sa.Column(
            "answers",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_status", sa.Text(), server_default="scheduled", nullable=False),
        sa.Column("event_outcome", sa.Text(), nullable=True),
        sa.Column("pcf_submitted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pcf_submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("no_show_party", sa.Text(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("canceled_by", sa.Text(), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_late", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rescheduled_to_id", sa.Uuid(), nullable=True),
        sa.Column("booking_platform", sa.Text(), server_default="manual", nullable=False),
        sa.Column("provider_status", sa.Text(), server_default="scheduled", nullable=False),
        sa.Column("provider_no_show_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calendly_event_uuid", sa.Text(), nullable=True),
        sa.Column("calendly_invitee_uuid", sa.Text(), nullable=True),
        sa.Column("previous_invitee_uuid", sa.Text(), nullable=True),
        sa.Column("acuity_appointment_id", sa.Text(), nullable=True),
        sa.Column("ghl_contact_id", sa.Text(), nullable=True),
        sa.Column("hubspot_contact_id", sa.Text(), nullable=True),
        sa.Column("close_lead_id", sa.Text(), nullable=True),
        sa.Column("meeting_url", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
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
            "call_status in ('scheduled','completed','no_show','canceled','rescheduled')",
            name=op.f("ck_events_call_status"),
        ),
        sa.CheckConstraint(
            "event_outcome in ('no_show','showed','offer_made','closed')",
            name=op.f("ck_events_event_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "call_type_id"],
            ["app.call_types.organization_id", "app.call_types.id"],
            name=op.f("fk_events_organization_id_call_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "closer_id"],
            ["app.closers.organization_id", "app.closers.id"],
            name=op.f("fk_events_organization_id_closer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["app.contacts.organization_id", "app.contacts.id"],
            name=op.f("fk_events_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "lead_id"],
            ["app.leads.organization_id", "app.leads.id"],
            name=op.f("fk_events_organization_id_lead_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "rescheduled_to_id"],
            ["app.events.organization_id", "app.events.id"],
            name=op.f("fk_events_organization_id_rescheduled_to_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "setter_id"],
            ["app.setters.organization_id", "app.setters.id"],
            name=op.f("fk_events_organization_id_setter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "source_id"],
            ["app.sources.organization_id", "app.sources.id"],
            name=op.f("fk_events_organization_id_source_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "traffic_type_id"],
            ["app.traffic_types.organization_id", "app.traffic_types.id"],
            name=op.f("fk_events_organization_id_traffic_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_events_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_events")),
        sa.UniqueConstraint(
            "organization_id",
            "calendly_invitee_uuid",
            name=op.f("uq_events_organization_id_calendly_invitee_uuid"),
        ),
        schema="app",
        info={"rls": "reps", "audit": True},
    )
    op.create_index(
        op.f("ix_events_organization_id_booked_at"),
        "events",
        ["organization_id", "booked_at"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_closer_user_id_scheduled_at"),
        "events",
        ["organization_id", "closer_user_id", "scheduled_at"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_contact_id"),
        "events",
        ["organization_id", "contact_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_lead_email_normalized_scheduled_at"),
        "events",
        ["organization_id", "lead_email_normalized", "scheduled_at"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_previous_invitee_uuid"),
        "events",
        ["organization_id", "previous_invitee_uuid"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_rescheduled_to_id"),
        "events",
        ["organization_id", "rescheduled_to_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_scheduled_at"),
        "events",
        ["organization_id", "scheduled_at"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_setter_user_id_scheduled_at"),
        "events",
        ["organization_id", "setter_user_id", "scheduled_at"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_updated_at"),
        "events",
        ["organization_id", "updated_at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "pcf_drafts",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column(
            "saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "event_id"],
            ["app.events.organization_id", "app.events.id"],
            name=op.f("fk_pcf_drafts_organization_id_event_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_pcf_drafts_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_pcf_drafts")),
        sa.UniqueConstraint(
            "organization_id",
            "event_id",
            "user_id",
            name=op.f("uq_pcf_drafts_organization_id_event_id_user_id"),
        ),
        schema="app",
        info={"rls": "own", "audit": False},
    )
    op.create_table(
        "post_call_forms",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("closer_user_id", sa.Uuid(), nullable=True),
        sa.Column("setter_user_id", sa.Uuid(), nullable=True),
        sa.Column("call_occurred", sa.Boolean(), nullable=False),
        sa.Column("lead_showed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("offer_made", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deal_closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("no_show_party", sa.Text(), nullable=True),
        sa.Column("cash_collected", sa.Numeric(precision=18, scale=3), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("payment_type", sa.Text(), nullable=True),
        sa.Column("package_id", sa.Uuid(), nullable=True),
        sa.Column("call_outcome_id", sa.Uuid(), nullable=True),
        sa.Column("opportunity_status_id", sa.Uuid(), nullable=True),
        sa.Column("reason_id", sa.Uuid(), nullable=True),
        sa.Column("traffic_type", sa.Text(), nullable=True),
        sa.Column(
            "objections", postgresql.ARRAY(Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("recording_url", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column(
            "submitted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
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
            "deal_closed or payment_type = 'deposit' or coalesce(cash_collected, 0) = 0",
            name=op.f("ck_post_call_forms_cash_needs_closed"),
        ),
        sa.CheckConstraint(
            "call_occurred or not lead_showed",
            name=op.f("ck_post_call_forms_showed_needs_occurred"),
        ),
        sa.CheckConstraint(
            "cash_collected >= 0", name=op.f("ck_post_call_forms_cash_not_negative")
        ),
        sa.CheckConstraint(
            "lead_showed or not offer_made", name=op.f("ck_post_call_forms_offer_needs_showed")
        ),
        sa.CheckConstraint(
            "offer_made or not deal_closed", name=op.f("ck_post_call_forms_closed_needs_offer")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "call_outcome_id"],
            ["app.list_entries.organization_id", "app.list_entries.id"],
            name=op.f("fk_post_call_forms_organization_id_call_outcome_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "event_id"],
            ["app.events.organization_id", "app.events.id"],
            name=op.f("fk_post_call_forms_organization_id_event_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "opportunity_status_id"],
            ["app.list_entries.organization_id", "app.list_entries.id"],
            name=op.f("fk_post_call_forms_organization_id_opportunity_status_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "package_id"],
            ["app.packages.organization_id", "app.packages.id"],
            name=op.f("fk_post_call_forms_organization_id_package_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "reason_id"],
            ["app.list_entries.organization_id", "app.list_entries.id"],
            name=op.f("fk_post_call_forms_organization_id_reason_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_post_call_forms_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_post_call_forms")),
        sa.UniqueConstraint(
            "organization_id", "event_id", name=op.f("uq_post_call_forms_organization_id_event_id")
        ),
        schema="app",
        info={"rls": "forms", "audit": True},
    )
    op.create_table(
        "payments",
        sa.Column("amount", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "refund_amount",
            sa.Numeric(precision=18, scale=3),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "net_revenue",
            sa.Numeric(precision=18, scale=3),
            sa.Computed("amount - refund_amount", persisted=True),
            nullable=False,
        ),
        sa.Column("payment_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default="succeeded", nullable=False),
        sa.Column("payment_type", sa.Text(), nullable=True),
        sa.Column("deal_type", sa.Text(), server_default="new_deal", nullable=False),
        sa.Column("disputed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("dispute_status", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("customer_email_normalized", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("processor", sa.Text(), server_default="manual", nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("processor_payment_id", sa.Text(), nullable=True),
        sa.Column("processor_charge_id", sa.Text(), nullable=True),
        sa.Column("membership_key", sa.Text(), nullable=True),
        sa.Column("pcf_id", sa.Uuid(), nullable=True),
        sa.Column("superseded_by_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "counts",
            sa.Boolean(),
            sa.Computed(
                "status = 'succeeded' and deleted_at is null and superseded_by_id is null",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("closer_id", sa.Uuid(), nullable=True),
        sa.Column("closer_user_id", sa.Uuid(), nullable=True),
        sa.Column("setter_id", sa.Uuid(), nullable=True),
        sa.Column("setter_user_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("traffic_type_id", sa.Uuid(), nullable=True),
        sa.Column("call_type_id", sa.Uuid(), nullable=True),
        sa.Column("package_id", sa.Uuid(), nullable=True),
        sa.Column("attribution_method", sa.Text(), server_default="none", nullable=False),
        sa.Column("attribution_reason", sa.Text(), nullable=True),
        sa.Column("attributed_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_payments_currency")),
        sa.CheckConstraint(
            "status in ('succeeded','pending','failed','canceled')", name=op.f("ck_payments_status")
        ),
        sa.CheckConstraint(
            "amount >= 0 and refund_amount >= 0", name=op.f("ck_payments_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "call_type_id"],
            ["app.call_types.organization_id", "app.call_types.id"],
            name=op.f("fk_payments_organization_id_call_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "closer_id"],
            ["app.closers.organization_id", "app.closers.id"],
            name=op.f("fk_payments_organization_id_closer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "connection_id"],
            ["app.webhook_connections.organization_id", "app.webhook_connections.id"],
            name=op.f("fk_payments_organization_id_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "event_id"],
            ["app.events.organization_id", "app.events.id"],
            name=op.f("fk_payments_organization_id_event_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "package_id"],
            ["app.packages.organization_id", "app.packages.id"],
            name=op.f("fk_payments_organization_id_package_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "pcf_id"],
            ["app.post_call_forms.organization_id", "app.post_call_forms.id"],
            name=op.f("fk_payments_organization_id_pcf_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "setter_id"],
            ["app.setters.organization_id", "app.setters.id"],
            name=op.f("fk_payments_organization_id_setter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "source_id"],
            ["app.sources.organization_id", "app.sources.id"],
            name=op.f("fk_payments_organization_id_source_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "superseded_by_id"],
            ["app.payments.organization_id", "app.payments.id"],
            name=op.f("fk_payments_organization_id_superseded_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "traffic_type_id"],
            ["app.traffic_types.organization_id", "app.traffic_types.id"],
            name=op.f("fk_payments_organization_id_traffic_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_payments_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_payments")),
        sa.UniqueConstraint(
            "organization_id",
            "connection_id",
            "processor_payment_id",
            name=op.f("uq_payments_organization_id_connection_id_processor_payment_id"),
        ),
        sa.UniqueConstraint(
            "organization_id", "pcf_id", name=op.f("uq_payments_organization_id_pcf_id")
        ),
        schema="app",
        info={"rls": "reps", "audit": True},
    )
    op.create_index(
        op.f("ix_payments_organization_id_closer_user_id_payment_date"),
        "payments",
        ["organization_id", "closer_user_id", "payment_date"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_payments_organization_id_customer_email_normalized"),
        "payments",
        ["organization_id", "customer_email_normalized"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_payments_organization_id_event_id"),
        "payments",
        ["organization_id", "event_id"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_payments_organization_id_membership_key"),
        "payments",
        ["organization_id", "membership_key"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_payments_organization_id_payment_date"),
        "payments",
        ["organization_id", "payment_date"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_payments_organization_id_setter_user_id_payment_date"),
        "payments",
        ["organization_id", "setter_user_id", "payment_date"],
        unique=False,
        schema="app",
    )
    op.create_index(
        op.f("ix_payments_organization_id_updated_at"),
        "payments",
        ["organization_id", "updated_at"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "payout_snapshot_details",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("payment_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("processor", sa.Text(), nullable=False),
        sa.Column("processor_payment_id", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("refund_amount", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("net_revenue", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("closer_id", sa.Uuid(), nullable=True),
        sa.Column("closer_name", sa.Text(), nullable=True),
        sa.Column("setter_id", sa.Uuid(), nullable=True),
        sa.Column("setter_name", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("source_name", sa.Text(), nullable=True),
        sa.Column("package_id", sa.Uuid(), nullable=True),
        sa.Column("package_name", sa.Text(), nullable=True),
        sa.Column("attribution_method", sa.Text(), nullable=False),
        sa.Column("attribution_reason", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "payment_id"],
            ["app.payments.organization_id", "app.payments.id"],
            name=op.f("fk_payout_snapshot_details_organization_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "snapshot_id"],
            ["app.payout_snapshots.organization_id", "app.payout_snapshots.id"],
            name=op.f("fk_payout_snapshot_details_organization_id_snapshot_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_payout_snapshot_details_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_payout_snapshot_details")),
        sa.UniqueConstraint(
            "organization_id",
            "snapshot_id",
            "payment_id",
            name=op.f("uq_payout_snapshot_details_organization_id_snapshot_id_payment_id"),
        ),
        schema="app",
        info={"rls": "payouts", "audit": True},
    )
    op.create_index(
        op.f("ix_payout_snapshot_details_organization_id_payment_id"),
        "payout_snapshot_details",
        ["organization_id", "payment_id"],
        unique=False,
        schema="app",
    )
    op.create_table(
        "refunds",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("closer_user_id", sa.Uuid(), nullable=True),
        sa.Column("setter_user_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="refund", nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("processor_refund_id", sa.Text(), nullable=False),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
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
        sa.CheckConstraint("kind in ('refund','dispute')", name=op.f("ck_refunds_kind")),
        sa.CheckConstraint(
            "status in ('pending','requires_action','succeeded','failed','canceled')",
            name=op.f("ck_refunds_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "payment_id"],
            ["app.payments.organization_id", "app.payments.id"],
            name=op.f("fk_refunds_organization_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["app.organizations.id"], name=op.f("fk_refunds_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_refunds")),
        sa.UniqueConstraint(
            "organization_id",
            "payment_id",
            "processor_refund_id",
            name=op.f("uq_refunds_organization_id_payment_id_processor_refund_id"),
        ),
        schema="app",
        info={"rls": "reps", "audit": True},
    )
