"""The messages in the outbox, and the jobs that wait to send them."""

from sqlalchemy import select, text

from core.deliveries.models import OutboxMessage
from core.platform.database import as_system


def message(org, message_id):
    with as_system(org) as db:
        return db.scalars(select(OutboxMessage).where(OutboxMessage.id == message_id)).one()


def outcome(org, message_id):
    row = message(org, message_id)
    return row.status, row.last_error


def jobs_of(org):
    with as_system(org) as db:
        return db.execute(
            text("""
            select status, scheduled_at from jobs.procrastinate_jobs
             where args->>'organization_id' = :org and task_name = 'send_outbox'
        """),
            {"org": str(org)},
        ).all()
