"""The clock: decides when, never what. Every tick only puts work on the queue; of several clocks one acts."""
from __future__ import annotations

import asyncio
import threading
from typing import Any
from uuid import UUID

import psycopg
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text

from core.platform.clock import now
from core.platform.database import WORKER_ROLE, as_guest, as_system, role_url
from core.platform.log import logger
from core.platform.queue import enqueue
from jobs.queue import queue

log = logger("jobs.clock")
LEADER_LOCK = 727002
STALLED_AFTER_S = 30
LOOK_EVERY_S = 0.5


def run_clock(stopping: threading.Event) -> None:
    """Wait to be the leader, tick until ``stopping`` or until the database is lost, then try to lead again."""
    dsn = role_url(WORKER_ROLE).set(drivername="postgresql").render_as_string(hide_password=False)
    while not stopping.is_set():
        try:
            _lead(dsn, stopping)
        except psycopg.OperationalError:
            log.warning("lost the database; trying again")
            stopping.wait(2)


def _lead(dsn: str, stopping: threading.Event) -> None:
    keepalive: Any = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5, **keepalive) as connection:
        while not _leader(connection):
            if stopping.wait(LOOK_EVERY_S):
                return
        scheduler = _scheduler()
        try:
            while not stopping.wait(LOOK_EVERY_S):
                connection.execute("select 1")  # losing the connection is losing the lock
        finally:
            scheduler.shutdown(wait=False)


def _leader(connection: psycopg.Connection) -> bool:
    row = connection.execute("select pg_try_advisory_lock(%s)", (LEADER_LOCK,)).fetchone()
    return row is not None and row[0]


def _scheduler() -> BackgroundScheduler:
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
    scheduler.add_job(for_each_organization, "interval", minutes=1, args=["sweep_deliveries"])
    scheduler.add_job(for_each_organization, "cron", minute="*/15", args=["post_reports"])
    scheduler.add_job(rescue_stalled, "interval", seconds=STALLED_AFTER_S / 2)
    scheduler.add_job(forget_expired, "interval", hours=1)
    scheduler.start()
    return scheduler


def organizations() -> list[UUID]:
    """Every organisation that is not deleted."""
    with as_guest(WORKER_ROLE) as db:
        return list(db.execute(text("select app.all_organization_ids()")).scalars())


def for_each_organization(task: str) -> None:
    """Enqueue ``task`` once for each organisation; what still waits from the last tick is not added again."""
    for organization_id in organizations():
        with as_system(organization_id) as db:
            enqueue(db, task, organization_id, once=f"{task} {organization_id}")


def rescue_stalled() -> None:
    """Give the jobs of a worker that died to another one."""
    asyncio.run(_rescue())


async def _rescue() -> None:
    async with queue().open_async() as app:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
            log.warning("job rescued", job=job.id, task=job.task_name)
            await app.job_manager.retry_job(job, retry_at=now())


def forget_expired() -> None:
    """Throw away what only counted for a while."""
    with as_guest(WORKER_ROLE) as db:
        db.execute(text("select app.forget_expired()"))

