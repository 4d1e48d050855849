"""The worker: takes jobs from the queue, survives a restart of the database, and finishes running
jobs before it stops.
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
    """Work until SIGTERM or Ctrl-C, then finish the running jobs. While the database is away, wait
    for it.
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
