"""The schedule: all declared schedules, run by the clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from procrastinate.exceptions import ConnectorException

from core.platform.clock import now
from core.platform.database import as_system
from core.platform.log import logger
from core.platform.tasks import TASKS, TICKS, AnyTask, Schedule, tick
from core.tenancy.organizations.queries import all_organization_ids
from jobs.queue import STALLED_AFTER_S, queue

log = logger("jobs.schedule")


def scheduler() -> BackgroundScheduler:
    """A scheduler with all ticks of the product, not started yet. Scheduled tasks are enqueued once
    for each organisation; ticks of the clock itself run in its process.
    """
    ticks = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
    for task in TASKS.values():
        if schedule := task.options.schedule:
            ticks.add_job(for_each_organization, _trigger(schedule), args=[task], name=task.name)
    for each in TICKS:
        ticks.add_job(each.run, _trigger(each.schedule))
    return ticks


def _trigger(schedule: Schedule) -> BaseTrigger:
    if schedule.cron is not None:
        return CronTrigger.from_crontab(schedule.cron, timezone="UTC")
    assert schedule.every is not None
    return IntervalTrigger(seconds=int(schedule.every.total_seconds()), timezone="UTC")


def for_each_organization(task: AnyTask) -> None:
    """Enqueue ``task`` once for each organisation, unless the job of the last time still waits."""
    for organization_id in all_organization_ids():
        with as_system(organization_id) as db:
            task.tick(db)


@tick(every=timedelta(seconds=STALLED_AFTER_S / 2))
def rescue_stalled() -> None:
    """Hand the jobs of a worker that died to another one."""
    asyncio.run(_rescue())


async def _rescue() -> None:
    async with queue().open_async() as app:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
            try:
                await app.job_manager.retry_job(job, retry_at=now())
                log.warning("job rescued", job=job.id, task=job.task_name)
            except (
                ConnectorException
            ) as error:  # a job of the same name waits already and will do the work
                log.warning("job not rescued", job=job.id, task=job.task_name, why=str(error))
