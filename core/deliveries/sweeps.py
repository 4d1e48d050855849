"""Putting back on the queue what waits although nobody would come for it.

The job of a message can be missing after a restore of the database, or when somebody deleted it.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text

from core.deliveries.sending import send_outbox
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.tasks import task

FORGOTTEN_AFTER = timedelta(minutes=5)
MESSAGES_WITHOUT_A_JOB = text("""
    select m.id from app.outbox m
     where m.status = 'waiting' and m.created_at < :before
       and not exists (select 1 from jobs.procrastinate_jobs j
                        where j.status in ('todo', 'doing') and j.args->>'message_id' = m.id::text)
""")


# Its name in the queue is older than the deliveries' own queue.
@task(name="sweep_deliveries", every=timedelta(minutes=1))
def sweep_outbox(organization_id: UUID) -> int:
    """Put waiting messages back on the queue for which there is no job; returns how many. None of
    these was ever sent. Deliveries that arrived while the pause of their connection ended may still
    be on hold, and are released.
    """
    with as_system(organization_id) as db:
        db.execute(select(func.app.release_held()))
        forgotten = db.scalars(MESSAGES_WITHOUT_A_JOB, {"before": now() - FORGOTTEN_AFTER}).all()
        return sum(send_outbox.later(db, message_id) for message_id in forgotten)
