"""The receiver's own connections to Postgres: asynchronous, with the jobs' role, opened when first
needed.
"""

from __future__ import annotations

from functools import lru_cache

from psycopg_pool import AsyncConnectionPool

from core.platform.database import WORKER_ROLE, role_url

WAIT_S = 5


@lru_cache
def pool() -> AsyncConnectionPool:
    """The process's pool. The application's lifespan opens and closes it."""
    dsn = role_url(WORKER_ROLE).set(drivername="postgresql").render_as_string(hide_password=False)
    return AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=10,
        timeout=WAIT_S,
        open=False,
        kwargs={"autocommit": True, "connect_timeout": WAIT_S},
    )
