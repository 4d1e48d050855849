"""The queue's engine: procrastinate on the schema ``jobs``, with the jobs' database role."""

from __future__ import annotations

from procrastinate import App, PsycopgConnector

from core.platform.database import WORKER_ROLE, role_url
from jobs.tasks import register

# Beyond these the worker begins anew, which is quicker than the growing pauses of its pool.
WAIT_S, RECONNECT_S = 5.0, 1.0
# How often a worker shows that it lives, and after how long without that another one does its jobs.
HEARTBEAT_S, STALLED_AFTER_S = 2.0, 10.0


def dsn() -> str:
    """The address of the database under the jobs' role."""
    return role_url(WORKER_ROLE).set(drivername="postgresql").render_as_string(hide_password=False)


def queue() -> App:
    """A queue with all tasks registered. Each event loop needs its own, because closing a queue
    closes its connections.
    """
    connector = PsycopgConnector(
        conninfo=dsn(),
        kwargs={"options": "-c search_path=jobs"},
        timeout=WAIT_S,
        reconnect_timeout=RECONNECT_S,
        min_size=1,
    )
    app = App(connector=connector)
    register(app)
    return app
