"""What happens when: every tick only puts work on the queue, or tidies the queue itself."""

from __future__ import annotations

import asyncio

from apscheduler.schedulers.background import BackgroundScheduler
from procrastinate.exceptions import ConnectorException
from sqlalchemy import text

from core.platform.clock import now
from core.platform.database import WORKER_ROLE, as_guest, as_system
from core.platform.log import logger
from core.platform.queue import enqueue
from core.tenancy.organizations.queries import all_organization_ids
from jobs.queue import queue

log = logger("jobs.schedule")
STALLED_AFTER_S = 30


def scheduler() -> BackgroundScheduler:
    """Every tick of the product, not started yet."""
    ticks = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
    ticks.add_job(for_each_organization, "interval", minutes=1, args=["sweep_deliveries"])
    ticks.add_job(for_each_organization, "cron", minute="*/15", args=["post_reports"])
    ticks.add_job(rescue_stalled, "interval", seconds=STALLED_AFTER_S / 2)
    ticks.add_job(forget_expired, "interval", hours=1)
    ticks.add_job(for_each_organization, "cron", hour=3, args=["forget_deliveries"])
    ticks.add_job(for_each_organization, "cron", minute=17, args=["verify_integrations"])
    ticks.add_job(purge_organizations, "interval", hours=1)
    return ticks


def for_each_organization(task: str) -> None:
    """Enqueue ``task`` once for each organisation; what still waits from the last tick is not added
    again.
    """
    for organization_id in all_organization_ids():
        with as_system(organization_id) as db:
            enqueue(db, task, organization_id, once=f"{task} {organization_id}")


def rescue_stalled() -> None:
    """Give the jobs of a worker that died to another one."""
    asyncio.run(_rescue())


async def _rescue() -> None:
    async with queue().open_async() as app:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
            try:
                await app.job_manager.retry_job(job, retry_at=now())
                log.warning("job rescued", job=job.id, task=job.task_name)
            except (
                ConnectorException
            ) as error:  # another job of the same name waits already: that one will do the work
                log.warning("job not rescued", job=job.id, task=job.task_name, why=str(error))


def forget_expired() -> None:
    """Throw away what only counted for a while."""
    with as_guest(WORKER_ROLE) as db:
        db.execute(text("select app.forget_expired()"))


def purge_organizations() -> None:
    """Remove the organisations that were deleted so long ago that nobody can have them back."""
    with as_guest(WORKER_ROLE) as db:
        for organization_id in db.execute(text("select app.purge_organizations()")).scalars():
            log.warning("organization purged", organization=str(organization_id))
