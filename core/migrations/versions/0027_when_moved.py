"""A booking says when it was made itself, and when the one was made that replaces it: so a move is
dated also where the report of it is late or lost.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = ("events", "post_call_forms", "provider_objects")
# Of the bookings that replace another it is no longer known when they were made themselves, but for
# what their platform said of it. Of the others nothing follows from it.
SAID = """
    select e.organization_id, e.id, e.scheduled_at,
           coalesce(o.data ->> 'created_at', o.data -> 'scheduled_event' ->> 'created_at') as said
      from app.events e
      join app.provider_objects o on o.organization_id = e.organization_id
       and o.provider = e.booking_platform and o.external_id = e.external_id
     where e.booking_platform = 'calendly' and e.replaces_external_id is not null
       and o.kind in ('invitee', 'cancellation', 'marked_invitee')
     order by o.version collate "C", o.kind collate "C"
"""
MADE = """
    update app.events set made_at = :made_at
     where organization_id = :organization_id and id = :id
"""
REPLACED = """
    update app.events e set replaced_at = n.made_at
      from app.events n
     where n.organization_id = e.organization_id and n.id = e.rescheduled_to_id
       and n.made_at is not null and n.replaces_external_id is not null
"""
# The move was taken for one of before the meeting, or of after it where a form or a mark is there.
MOVED_AFTER = """
    update app.events set call_status = 'scheduled'
     where call_status = 'rescheduled' and canceled_at is null and replaced_at >= scheduled_at
"""
MOVED_BEFORE = """
    update app.events e set call_status = 'rescheduled', event_outcome = null, no_show_party = null
     where call_status = 'no_show' and provider_status = 'rescheduled'
       and canceled_at is null and replaced_at < scheduled_at
       and not exists (select from app.post_call_forms f
                        where f.organization_id = e.organization_id and f.event_id = e.id
                          and f.lead_showed)
"""


def upgrade() -> None:
    for name in ("made_at", "replaced_at"):
        column = sa.Column(name, sa.DateTime(timezone=True), nullable=True)
        op.add_column("events", column, schema="app")
    # The rows of all organisations are meant, and none of it is anybody's edit.
    for table in TABLES:
        op.execute(f"alter table app.{table} no force row level security")
    op.execute("alter table app.events disable trigger user")
    _date_moves()
    for change in (REPLACED, MOVED_AFTER, MOVED_BEFORE):
        op.execute(change)
    op.execute("alter table app.events enable trigger user")
    for table in TABLES:
        op.execute(f"alter table app.{table} force row level security")


def _date_moves() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.text(SAID)).all():
        made_at = _moment(row.said)
        if made_at is not None and made_at < row.scheduled_at:
            known = {"made_at": made_at, "organization_id": row.organization_id, "id": row.id}
            connection.execute(sa.text(MADE), known)


def _moment(said: object) -> datetime | None:
    """What a platform says may be anything."""
    try:
        at = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
