"""The queue's engine: procrastinate on the schema ``jobs``, with the jobs' database role."""

from __future__ import annotations

from procrastinate import App, PsycopgConnector

from core.platform.database import WORKER_ROLE, role_url
from jobs.tasks import register


def queue() -> App:
    """A queue with all tasks registered. Each event loop needs its own, because closing a queue
    closes its connections.
    """
    dsn = role_url(WORKER_ROLE).set(drivername="postgresql").render_as_string(hide_password=False)
    app = App(connector=PsycopgConnector(conninfo=dsn, kwargs={"options": "-c search_path=jobs"}))
    register(app)
    return app
