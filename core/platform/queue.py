"""Putting work on the queue, in the transaction of the row it is about: rolled back together, never lost between.

The engine is procrastinate, whose tables live in the schema ``jobs``; only this module and ``jobs/`` know that.
Arguments are plain JSON that every worker can read: ids, never secrets or personal data.
"""
from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

QUEUE = "default"
DEFER = text("""
    select jobs.procrastinate_defer_jobs_v1(array[row(
        :queue, :task, :priority, null, :once, cast(:args as jsonb), cast(:at as timestamptz)
    )::jobs.procrastinate_job_to_defer_v1])
""")


def enqueue(
    db: Session, task: str, organization_id: UUID, *, once: str | None = None, at: datetime | None = None,
    priority: int = 0, **args: str | int | None,
) -> bool:
    """Have a worker run ``task`` for the organisation after this transaction commits; False when it was waiting already.

    ``once`` names the work: while a job of that name waits, no second one is added. ``at`` delays it to an instant.
    """
    values = {
        "queue": QUEUE, "task": task, "priority": priority, "once": once, "at": at,
        "args": json.dumps({"organization_id": str(organization_id), **args}),
    }
    if once is None:
        db.execute(DEFER, values)
        return True
    try:
        with db.begin_nested():  # a second waiting job violates a unique index, which would end the whole transaction
            db.execute(DEFER, values)
    except IntegrityError:
        return False
    return True
