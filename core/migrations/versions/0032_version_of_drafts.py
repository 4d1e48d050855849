"""A draft says over which version of the form it was begun; 0 where none was filed. Of the drafts
that are there it is taken to be the form as it stands.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLES = ("pcf_drafts", "post_call_forms")


def upgrade() -> None:
    op.add_column(
        "pcf_drafts",
        sa.Column("form_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="app",
    )
    # The rows of all organisations are meant, and none of it is anybody's edit.
    for table in TABLES:
        op.execute(f"alter table app.{table} no force row level security")
    op.execute("alter table app.pcf_drafts disable trigger user")
    op.execute("""
        update app.pcf_drafts d set form_version = f.version
          from app.post_call_forms f
         where f.organization_id = d.organization_id and f.event_id = d.event_id""")
    op.execute("alter table app.pcf_drafts enable trigger user")
    for table in TABLES:
        op.execute(f"alter table app.{table} force row level security")
