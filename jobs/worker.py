"""The worker: takes jobs from the queue, survives a restart of the database, and finishes running
jobs before it stops.
"""

from __future__ import annotations

import asyncio
import threading

import psycopg
from procrastinate.exceptions import ConnectorException

from core.platform.database import outage
from jobs.queue import HEARTBEAT_S, STALLED_AFTER_S, dsn, queue

CONCURRENCY = 4
CONNECT_S = 5
POLL_S = 0.25
PAUSE_S = 0.5


def run_worker(stopping: threading.Event) -> None:
    """Work until ``stopping`` is set, then finish the running jobs. While the database is away,
    wait for it.
    """
    while not stopping.is_set():
        try:
            # The queue's engine would wait half a minute for a database that is away.
            psycopg.connect(dsn(), connect_timeout=CONNECT_S).close()
            outage.over()
            asyncio.run(_work(stopping))
        except (ConnectorException, psycopg.Error) as error:
            outage.noticed(error)
            stopping.wait(PAUSE_S)


async def _work(stopping: threading.Event) -> None:
    """Work until ``stopping`` is set or the queue's engine gives up, as it does when one of its
    connections breaks. Raises ConnectorException when the database is away.
    """
    async with queue().open_async() as app:
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=CONCURRENCY,
                fetch_job_polling_interval=POLL_S,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_AFTER_S,
                delete_jobs="successful",
                install_signal_handlers=False,
            )
        )
        while not (stopping.is_set() or worker.done()):
            await asyncio.sleep(POLL_S)
        worker.cancel()  # running jobs come to their end first
        await asyncio.wait({worker})
        if not worker.cancelled():
            worker.result()
