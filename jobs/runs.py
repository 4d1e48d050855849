"""Which work failed, for whom and why: failed runs are kept where an admin sees them."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from core.deliveries.models import JobRun
from core.platform.clock import now
from core.platform.database import as_system


@contextmanager
def recorded(organization_id: UUID, task: str) -> Iterator[None]:
    """Keep a row for a run that fails, then let the failure go on, so that the queue tries again."""
    started_at = now()
    try:
        yield
    except Exception as error:
        with as_system(organization_id) as db:
            db.add(JobRun(
                organization_id=organization_id, task=task, attempt=1, started_at=started_at, finished_at=now(),
                error=f"{type(error).__name__}: {error}"[:500],
            ))
        raise
