"""Payments follow the events that changed hands."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from core.bookings.tasks import attribute_events

TOGETHER = 1_000  # events whose payments are attributed by one job


def let_payments_follow(db: Session, events: Iterable[UUID]) -> None:
    changed = list(dict.fromkeys(events))
    for first in range(0, len(changed), TOGETHER):
        attribute_events.later(db, changed[first : first + TOGETHER])
