"""How Stripe's objects were at a time is dated as everything else that was true at a moment."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# The same as ``core.deliveries.moments.written``.
WRITTEN = """
    update app.provider_objects o
       set external_id = o.group_key || ' ' || d.at, data = o.data || jsonb_build_object('at', d.at)
      from (select organization_id, id, to_char(to_timestamp((data ->> 'at')::bigint)
                   at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as at
              from app.provider_objects
             where provider = 'stripe' and kind in ('charge at a time', 'customer at a time')
               and jsonb_typeof(data -> 'at') = 'number') d
     where o.organization_id = d.organization_id and o.id = d.id
"""


def upgrade() -> None:
    op.execute("alter table app.provider_objects no force row level security")
    op.execute("alter table app.provider_objects disable trigger user")
    op.execute(WRITTEN)
    op.execute("alter table app.provider_objects enable trigger user")
    op.execute("alter table app.provider_objects force row level security")
