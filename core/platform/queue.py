"""Putting work on the queue in the transaction that it belongs to: it is rolled back with the
transaction, and never lost after a commit.

The engine is procrastinate, whose tables are in the schema ``jobs``. Arguments are plain JSON that
every worker can read: ids, never secrets or personal data. Product code enqueues through the task
itself (``core.platform.tasks``), never by its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

QUEUE = "default"
ENQUEUE = text("""
    select app.enqueue(:queue, :task, :priority, :once,
      jsonb_build_object('organization_id', app.cur_org()) || cast(:args as jsonb),
      cast(:at as timestamptz))
""")


def enqueue(
    db: Session,
    task: str,
    args: Mapping[str, Any],
    *,
    once: str | None = None,
    at: datetime | None = None,
    priority: int = 0,
) -> bool:
    """Have a worker run ``task`` for the transaction's organisation after this transaction commits.
    Returns False when the same work was waiting already.

    ``once`` names the work: while a job of that name waits, no second one is added. ``at`` is the
    earliest instant at which it runs.
    """
    values = {
        "queue": QUEUE,
        "task": task,
        "priority": priority,
        "once": once,
        "at": at,
        "args": json.dumps(dict(args)),
    }
    return db.execute(ENQUEUE, values).scalar_one()
