"""A booking that was cancelled or moved only after its time was held or missed, which its form is
still to say: it is unconfirmed. And a refund knows the counted total that held it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Those with a form or a no-show mark say already how the meeting went.
UNCONFIRMED = """
    update app.events
       set canceled_late = false, call_status = case
             when call_status in ('canceled', 'rescheduled') then 'scheduled' else call_status end
     where canceled_at >= scheduled_at
"""


def upgrade() -> None:
    # The rows of all organisations are meant, and none of it is anybody's edit.
    op.execute("alter table app.events no force row level security")
    op.execute("alter table app.events disable trigger user")
    op.execute(UNCONFIRMED)
    op.execute("alter table app.events enable trigger user")
    op.execute("alter table app.events force row level security")
    op.add_column("refunds", sa.Column("split_of_id", sa.Uuid()), schema="app")
    op.create_foreign_key(
        op.f("fk_refunds_organization_id_split_of_id"),
        "refunds",
        "refunds",
        ["organization_id", "split_of_id"],
        ["organization_id", "id"],
        source_schema="app",
        referent_schema="app",
    )
    op.create_index(
        op.f("ix_refunds_organization_id_split_of_id"),
        "refunds",
        ["organization_id", "split_of_id"],
        schema="app",
    )
