"""Recording which jobs ran for which organisation, and why they failed, where admins can see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from core.deliveries.models import JobRun
from core.platform.advisory_locks import share_organization
from core.platform.clock import now
from core.platform.database import as_system
from core.providers.delivery_failures import cleaned

LONGEST = 500


@contextmanager
def recorded(
    organization_id: UUID, task: str, attempt: int, *, also_success: bool = True
) -> Iterator[None]:
    """Record the run. An exception is raised again afterwards, so that the queue retries."""
    started_at = now()
    try:
        yield
    except Exception as error:
        _record(organization_id, task, attempt, started_at, f"{type(error).__name__}: {error}")
        raise
    if also_success:
        _record(organization_id, task, attempt, started_at, None)


def _record(
    organization_id: UUID, task: str, attempt: int, started_at: datetime, error: str | None
) -> None:
    with as_system(organization_id) as db:
        if error is not None:
            share_organization(db)  # an erasure comes before or after it
            error, _ = cleaned(db, error, None)
        db.add(
            JobRun(
                organization_id=organization_id,
                task=task,
                attempt=attempt,
                started_at=started_at,
                finished_at=now(),
                error=error and error[:LONGEST],
            )
        )
