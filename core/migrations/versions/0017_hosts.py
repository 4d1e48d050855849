"""Bookings say who hosts them as their platform names it, so that two hosts of one name are two.
Meetings that were missed before their booking was moved are no-shows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Of a booking that is nobody's the first host is the one who would be credited. The states of an
# invitee are merged in the order of their versions, so the last that names hosts counts.
NAMED = """
    update app.events e set host_uri = h.member ->> 'user', host_email = h.member ->> 'user_email'
      from (select distinct on (o.organization_id, o.external_id) o.organization_id,
                   o.external_id, o.data -> 'scheduled_event' -> 'event_memberships' -> 0 as member
              from app.provider_objects o
             where o.provider = 'calendly'
               and o.kind in ('invitee', 'cancellation', 'marked_invitee')
               and jsonb_typeof(o.data -> 'scheduled_event' -> 'event_memberships' -> 0) = 'object'
             order by o.organization_id, o.external_id, o.version collate "C" desc,
                      o.kind collate "C" desc) h
     where e.closer_id is null and e.booking_platform = 'calendly'
       and e.organization_id = h.organization_id and e.external_id = h.external_id
"""
# The order of several hosts, of whom the first is credited, was not stored: the closer stays while
# they are one of them.
ORDERED = """
    update app.events set hosts_digest = null
     where closer_id is not null and jsonb_array_length(other_hosts) > 0;
"""
# A booking that is known to have been moved before its time stays moved.
MISSED = """
    update app.events e set call_status = 'no_show', event_outcome = 'no_show',
           no_show_party = coalesce((select f.no_show_party from app.post_call_forms f
             where f.organization_id = e.organization_id and f.event_id = e.id), 'guest')
     where e.call_status = 'rescheduled' and (e.canceled_at >= e.scheduled_at
             or e.canceled_at is null)
       and (e.pcf_submitted or e.provider_no_show_at is not null)
"""
TABLES = ("events", "post_call_forms", "provider_objects")


def upgrade() -> None:
    for name in ("host_uri", "host_email"):
        op.add_column("events", sa.Column(name, sa.Text(), nullable=True), schema="app")
    # The rows of all organisations are meant, and none of it is anybody's edit.
    for table in TABLES:
        op.execute(f"alter table app.{table} no force row level security")
    op.execute("alter table app.events disable trigger user")
    op.execute(NAMED)
    op.execute(ORDERED)
    op.execute(MISSED)
    op.execute("alter table app.events enable trigger user")
    for table in TABLES:
        op.execute(f"alter table app.{table} force row level security")
