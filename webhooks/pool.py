"""The receiver's own connections to Postgres: asynchronous, with the jobs' role, opened when first
needed.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Self

import psycopg
from psycopg_pool import AsyncConnectionPool

from core.platform.database import SILENCE, WORKER_ROLE, outage, role_url

WAIT_S = 5
# What the receiver asks takes milliseconds. A firewall or a stopped server may accept a question
# and never answer it, and TCP finds nothing wrong with that.
ANSWER_S = 5
# After so long the pool stops to try with growing pauses; the next request makes it try at once.
RECONNECT_S = 1


class Connection(psycopg.AsyncConnection[Any]):
    """Notices when the database is away, and when it is back."""

    @classmethod
    async def connect(cls, *args: Any, **options: Any) -> Self:
        """A new connection. Raises psycopg.OperationalError."""
        try:
            connection = await super().connect(*args, **options)
        except psycopg.OperationalError as error:
            outage.noticed(error)
            raise
        outage.over()
        return connection


@lru_cache
def pool() -> AsyncConnectionPool:
    """The process's pool. The application's lifespan opens and closes it."""
    dsn = role_url(WORKER_ROLE).set(drivername="postgresql").render_as_string(hide_password=False)
    return AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=10,
        connection_class=Connection,
        timeout=WAIT_S,
        reconnect_timeout=RECONNECT_S,
        open=False,
        kwargs={"autocommit": True, "connect_timeout": WAIT_S, **SILENCE},
    )


@asynccontextmanager
async def pooled_connection(
    answer_s: float = ANSWER_S,
) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection of the pool, on which everything must be answered within ``answer_s``. Raises
    PoolTimeout, and psycopg.OperationalError when the database is silent for longer.
    """
    async with pool().connection() as db:
        giving_up = asyncio.get_running_loop().call_later(answer_s, _hang_up, db)
        try:
            yield db
        finally:
            giving_up.cancel()


def _hang_up(db: psycopg.AsyncConnection[Any]) -> None:
    """Ends the conversation from this side, so that whoever waits for an answer gets an error and
    the pool replaces the connection. Cancelling instead would ask the silent server to cancel.
    """
    if not db.closed:
        with socket.socket(fileno=os.dup(db.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
