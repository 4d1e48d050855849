"""Closers and call types are known to each booking platform by its own id. Until now Calendly alone
had ids for them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

COLUMNS = {"closers": "calendly_user_uri", "call_types": "calendly_event_type_uri"}
CARRIED = """
    update app.{table} set known_as = jsonb_build_object('calendly', {column})
     where {column} is not null
"""


def upgrade() -> None:
    for table, column in COLUMNS.items():
        known_as = sa.Column("known_as", JSONB(), server_default=sa.text("'{}'"), nullable=False)
        op.add_column(table, known_as, schema="app")
        # The rows of all organisations are meant, and none of it is anybody's edit.
        op.execute(f"alter table app.{table} no force row level security")
        op.execute(f"alter table app.{table} disable trigger user")
        op.execute(CARRIED.format(table=table, column=column))
        op.execute(f"alter table app.{table} enable trigger user")
        op.execute(f"alter table app.{table} force row level security")
        op.drop_column(table, column, schema="app")
        named = sa.Computed("(known_as ->> 'calendly'::text)", persisted=True)
        op.add_column(table, sa.Column(column, sa.Text(), named, nullable=True), schema="app")
