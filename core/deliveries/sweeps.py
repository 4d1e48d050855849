"""Putting deliveries and messages back on the queue that wait although no job is left to process
them.

A job can be missing after a restore of the database, or when somebody deleted it.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from core.deliveries.sending import send_outbox
from core.deliveries.tasks import process_delivery
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.tasks import task

FORGOTTEN_AFTER = timedelta(minutes=5)
DELIVERIES_WITHOUT_A_JOB = text("""
    select d.id from app.webhook_deliveries d
     where d.status = 'pending' and d.received_at < :before
       and not exists (select 1 from jobs.procrastinate_jobs j
                        where j.status in ('todo', 'doing') and j.args->>'delivery_id' = d.id::text)
""")
MESSAGES_WITHOUT_A_JOB = text("""
    select m.id from app.outbox m
     where m.status = 'waiting' and m.created_at < :before
       and not exists (select 1 from jobs.procrastinate_jobs j
                        where j.status in ('todo', 'doing') and j.args->>'message_id' = m.id::text)
""")


@task(name="sweep_deliveries", every=timedelta(minutes=1))
def sweep(organization_id: UUID) -> None:
    """Put back everything that was forgotten."""
    sweep_deliveries(organization_id)
    sweep_outbox(organization_id)


def sweep_deliveries(organization_id: UUID) -> int:
    """Put waiting deliveries back on the queue for which there is no job; returns how many. So an
    acknowledged delivery is never lost.
    """
    with as_system(organization_id) as db:
        waiting = db.scalars(DELIVERIES_WITHOUT_A_JOB, {"before": now() - FORGOTTEN_AFTER}).all()
        return sum(process_delivery.later(db, delivery_id) for delivery_id in waiting)


def sweep_outbox(organization_id: UUID) -> int:
    """Put waiting messages back on the queue for which there is no job; returns how many. None of
    these was ever sent.
    """
    with as_system(organization_id) as db:
        forgotten = db.scalars(MESSAGES_WITHOUT_A_JOB, {"before": now() - FORGOTTEN_AFTER}).all()
        return sum(send_outbox.later(db, message_id) for message_id in forgotten)
