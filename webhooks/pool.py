"""The receiver's own connections to Postgres: asynchronous, with the jobs' role, opened when first
needed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Self

import psycopg
from psycopg_pool import AsyncConnectionPool

from core.platform.database import SILENCE, WORKER_ROLE, outage, role_url

WAIT_S = 5
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
