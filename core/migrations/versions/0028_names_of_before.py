"""Bookings that an earlier release gave by the host's name alone say so, where it is certain."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLES = ("events", "closers", "audit_logs")
# A host is the closer's by user or by address. Which addresses a closer had, the audit log says, if
# it has the making of the closer and none of it was blanked since. The user whom the closer is
# known by may have been found by name too, but the bookings of a user who is still theirs stay, and
# of an earlier one it is certain only where every booking on that platform says who hosts it.
BY_NAME = """
    with addresses as materialized (
        select c.organization_id, c.id::text as id, lower(btrim(c.email_normalized)) as address
          from app.closers c
        union
        select l.organization_id, l.row_id, lower(btrim(address))
          from app.audit_logs l
         cross join jsonb_array_elements_text(l.changes -> 'email_normalized') as address
         where l.table_name = 'closers'),
    certain as (
        select c.organization_id, c.id
          from app.closers c
         where exists (select from app.audit_logs l
                        where l.organization_id = c.organization_id and l.table_name = 'closers'
                          and l.row_id = c.id::text and l.operation = 'insert')
           and not exists (select from addresses a
                            where a.organization_id = c.organization_id and a.id = c.id::text
                              and a.address not like '%@%')),
    hosted as materialized (
        select e.organization_id, e.id, e.closer_id, e.booking_platform, e.host_uri,
               e.host_email is null and e.host_uri is null as is_unnamed,
               e.host_email is null or exists (
                 select from addresses a
                  where a.organization_id = e.organization_id and a.id = e.closer_id::text
                    and a.address = lower(btrim(e.host_email))) as may_be_theirs
          from app.events e
         where e.closer_id is not null)
    update app.events e set closer_by_name = true
      from hosted h
      join certain c on c.organization_id = h.organization_id and c.id = h.closer_id
      join app.closers k on k.organization_id = h.organization_id and k.id = h.closer_id
     where e.organization_id = h.organization_id and e.id = h.id
       and not h.may_be_theirs
       and (h.host_uri is null or h.host_uri is distinct from k.known_as ->> h.booking_platform
            and not exists (
              select from hosted o
               where o.organization_id = h.organization_id and o.closer_id = h.closer_id
                 and o.booking_platform = h.booking_platform
                 and (o.is_unnamed or o.may_be_theirs and o.host_uri = h.host_uri)))
"""


def upgrade() -> None:
    # The rows of all organisations are meant, and none of it is anybody's edit.
    for table in TABLES:
        op.execute(f"alter table app.{table} no force row level security")
    op.execute("alter table app.events disable trigger user")
    op.execute(BY_NAME)
    op.execute("alter table app.events enable trigger user")
    for table in TABLES:
        op.execute(f"alter table app.{table} force row level security")
