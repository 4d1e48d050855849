"""Putting work on the queue, in the transaction of the row it is about: rolled back together, never
lost between.

The engine is procrastinate, whose tables live in the schema ``jobs``; only this module and
``jobs/`` know that. Arguments are plain JSON that every worker can read: ids, never secrets or
personal data.
"""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

QUEUE = "default"
ENQUEUE = text("""
    select app.enqueue(:queue, :task, :priority, :once, cast(:args as jsonb),
      cast(:at as timestamptz))
""")


def enqueue(
    db: Session,
    task: str,
    organization_id: UUID,
    *,
    once: str | None = None,
    at: datetime | None = None,
    priority: int = 0,
    **args: str | int | None,
) -> bool:
    """Have a worker run ``task`` for the organisation after this transaction commits; False when it
    was waiting already.

    ``once`` names the work: while a job of that name waits, no second one is added. ``at`` delays
    it to an instant.
    """
    values = {
        "queue": QUEUE,
        "task": task,
        "priority": priority,
        "once": once,
        "at": at,
        "args": json.dumps({"organization_id": str(organization_id), **args}),
    }
    return db.execute(ENQUEUE, values).scalar_one()
