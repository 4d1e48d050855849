"""The clock. Of several that run, the one that holds the lock works, and the others wait."""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from core.platform.database import outage
from jobs.queue import dsn
from jobs.schedule import scheduler

LEADER_LOCK = 727002
LOOK_EVERY_S = 0.5


def run_clock(stopping: threading.Event) -> None:
    """Wait to become the leader, tick until ``stopping`` is set or the database is lost, then try
    to become the leader again.
    """
    while not stopping.is_set():
        try:
            _lead(stopping)
        except psycopg.OperationalError as error:
            outage.noticed(error)
            stopping.wait(LOOK_EVERY_S)


def _lead(stopping: threading.Event) -> None:
    keepalive: Any = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
    with psycopg.connect(dsn(), autocommit=True, connect_timeout=5, **keepalive) as connection:
        while not _leader(connection):
            if stopping.wait(LOOK_EVERY_S):
                return
        ticking = scheduler()
        ticking.start()
        try:
            while not stopping.wait(LOOK_EVERY_S):
                connection.execute("select 1")  # losing the connection means losing the lock
                outage.over()
        finally:
            ticking.shutdown(wait=False)


def _leader(connection: psycopg.Connection) -> bool:
    row = connection.execute("select pg_try_advisory_lock(%s)", (LEADER_LOCK,)).fetchone()
    return row is not None and row[0]
