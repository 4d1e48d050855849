"""The worker: takes jobs from the queue, outlives its database, and finishes what it has begun
before it goes.
"""

from __future__ import annotations

import threading

import psycopg
from procrastinate.exceptions import ConnectorException

from core.platform.log import logger
from jobs.queue import queue

log = logger("jobs.worker")
CONCURRENCY = 4
POLL_S = 0.25
PAUSE_S = 1.0


def run_worker(stopping: threading.Event) -> None:
    """Work until SIGTERM or Ctrl-C, when running jobs finish first; a lost database is
    waited for.
    """
    while not stopping.is_set():
        try:
            with queue().open() as app:
                app.run_worker(
                    concurrency=CONCURRENCY,
                    fetch_job_polling_interval=POLL_S,
                    delete_jobs="successful",
                )
            return
        except (ConnectorException, psycopg.Error) as error:
            log.warning("lost the database; trying again", error=type(error).__name__)
            stopping.wait(PAUSE_S)
