"""Tasks that bookings order and higher layers implement."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from core.platform.tasks import by, declare


@declare()
def attribute_events(db: Session, event_ids: list[UUID]) -> None:
    """Attribute every payment that the events may concern anew; ``core.money.attribution``."""


@declare(once=by("event_id"))
def attribute_event(db: Session, event_id: UUID) -> None:
    """The same for one event."""
