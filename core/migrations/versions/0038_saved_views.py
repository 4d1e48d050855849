"""People save views of lists under a name and share them, and a list shows the columns that each of
them has chosen.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # They are created anew with more results and arguments.
    op.execute("drop function if exists app.resolve_session(bytea, int, boolean, uuid)")
    op.execute("drop function if exists app.record_export(text, text)")
    op.create_table(
        "list_views",
        *_of_a_person("list_views"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", postgresql.JSONB(), nullable=False),
        sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
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
        sa.UniqueConstraint(
            "organization_id",
            "list_key",
            "user_id",
            "name",
            name=op.f("uq_list_views_organization_id_list_key_user_id_name"),
        ),
        schema="app",
    )
    op.create_table(
        "list_choices",
        *_of_a_person("list_choices"),
        sa.Column(
            "columns",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("default_view_id", sa.Uuid(), nullable=True),
        sa.UniqueConstraint(
            "organization_id",
            "user_id",
            "list_key",
            name=op.f("uq_list_choices_organization_id_user_id_list_key"),
        ),
        schema="app",
    )


def _of_a_person(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("list_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f(f"fk_{table}_organization_id"),
        ),
    ]
