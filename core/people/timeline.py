"""The one timeline of contacts, leads, events and payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.people.models import Activity
from core.platform.clock import now
from core.platform.database import organization_id_of


def note(
    db: Session,
    type_: str,
    subject_type: str,
    subject_id: UUID,
    summary: str,
    *,
    at: datetime | None = None,
    contact_id: UUID | None = None,
    actor_user_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
    dedupe_key: str | None = None,
) -> None:
    """Add one line. A second one with the same ``dedupe_key`` is not added, so a repeated delivery
    adds nothing.
    """
    line = insert(Activity).values(
        organization_id=organization_id_of(db),
        id=uuid4(),
        at=at or now(),
        type=type_,
        subject_type=subject_type,
        subject_id=subject_id,
        summary=summary,
        contact_id=contact_id,
        actor_user_id=actor_user_id,
        detail=detail or {},
        dedupe_key=dedupe_key,
    )
    db.execute(line.on_conflict_do_nothing(index_elements=["organization_id", "dedupe_key"]))
