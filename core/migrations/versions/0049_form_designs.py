"""Organisations design their post-call form and define fields of their own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

SUBJECTS = "subject in ('contact', 'lead', 'event', 'form', 'payment')"
KINDS = (
    "kind in ('text', 'long_text', 'number', 'money', 'select', 'multi_select', 'date', 'yes_no',"
    " 'rating')"
)


def upgrade() -> None:
    op.add_column("post_call_forms", sa.Column("config_version", sa.Integer()), schema="app")
    _create(
        "form_configs",
        sa.Column("form_type", sa.Text(), server_default="post_call", nullable=False),
        sa.Column("version", sa.Integer()),
        sa.Column("layout", postgresql.JSONB(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("published_by", sa.Uuid()),
        *_timestamps(),
        sa.UniqueConstraint(
            "organization_id",
            "form_type",
            "version",
            name=op.f("uq_form_configs_organization_id_form_type_version"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    _create(
        "custom_field_definitions",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("help", sa.Text()),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        *_timestamps(),
        sa.CheckConstraint(SUBJECTS, name=op.f("ck_custom_field_definitions_subject")),
        sa.CheckConstraint(KINDS, name=op.f("ck_custom_field_definitions_kind")),
        sa.UniqueConstraint(
            "organization_id",
            "subject",
            "key",
            name=op.f("uq_custom_field_definitions_organization_id_subject_key"),
        ),
    )
    _create(
        "custom_field_options",
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        *_timestamps(),
        _of_a_definition("custom_field_options"),
        sa.UniqueConstraint(
            "organization_id",
            "definition_id",
            "name",
            name=op.f("uq_custom_field_options_organization_id_definition_id_name"),
        ),
    )
    _create(
        "custom_field_values",
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        _array("rep_user_ids"),
        sa.Column("text_value", sa.Text()),
        sa.Column("number_value", sa.Numeric()),
        sa.Column("amount", sa.Numeric(18, 3)),
        sa.Column("currency", sa.Text()),
        sa.Column("day", sa.Date()),
        sa.Column("flag", sa.Boolean()),
        _array("option_ids"),
        *_timestamps(),
        _of_a_definition("custom_field_values"),
    )
    for columns, unique in (
        (["subject_id", "definition_id"], True),
        (["definition_id"], False),
        (["updated_at"], False),
    ):
        op.create_index(
            op.f(f"ix_custom_field_values_organization_id_{'_'.join(columns)}"),
            "custom_field_values",
            ["organization_id", *columns],
            unique=unique,
            schema="app",
        )


def _create(table: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        *columns,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f(f"fk_{table}_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{table}")),
        schema="app",
    )


def _timestamps() -> list[sa.Column[object]]:
    at = sa.DateTime(timezone=True)
    return [
        sa.Column("created_at", at, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", at, server_default=sa.text("clock_timestamp()"), nullable=False),
    ]


def _array(name: str) -> sa.Column[object]:
    kind = postgresql.ARRAY(sa.Uuid())
    return sa.Column(name, kind, server_default=sa.text("'{}'"), nullable=False)


def _of_a_definition(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", "definition_id"],
        ["app.custom_field_definitions.organization_id", "app.custom_field_definitions.id"],
        name=op.f(f"fk_{table}_organization_id_definition_id"),
    )
