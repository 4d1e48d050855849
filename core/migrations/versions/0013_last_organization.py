"""What a user worked in last is remembered for screens and programs alike, and a session is
resolved for the organisation that a tab shows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

LAST_CHOSEN = """
    insert into app.last_organizations (user_id, organization_id)
    select distinct on (user_id) user_id, organization_id from app.sign_in_sessions
     where organization_id is not null order by user_id, created_at desc
"""


def upgrade() -> None:
    # With a further argument it would be a second function beside the old one.
    op.execute("drop function if exists app.resolve_session(bytea, int, boolean)")
    op.create_table(
        "last_organizations",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_last_organizations")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app.users.id"], name=op.f("fk_last_organizations_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_last_organizations_organization_id"),
        ),
        schema="app",
    )
    # The owner sees every session until the security layer, which follows, forces it again.
    op.execute("alter table app.sign_in_sessions no force row level security")
    op.execute(LAST_CHOSEN)
