"""Deliveries that cannot be turned into rows: why, in a sentence without people who were erased,
and when they are tried again.
"""

from __future__ import annotations

import json
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from core.deliveries import queue
from core.deliveries.actions import note_error
from core.deliveries.models import DeliveryStatus, WebhookDelivery
from core.deliveries.reading import read_payload
from core.platform.advisory_locks import share_organization
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import RateLimited
from core.platform.log import logger
from core.providers.erased import without_erased_people
from core.providers.reasons import UNREADABLE, sentence_of, why

log = logger("jobs.deliveries")
MAX_FAILURES = 8
# A turn waits only briefly for a lock: other organisations wait for their turns.
WAIT_BRIEFLY = text("set local lock_timeout = '1s'")


def cleaned(db: Session, reason: str, received: Any) -> tuple[str, Any]:
    """Why a delivery failed, and what it says, without people who were erased. Whole, since a part
    of an address is not recognised.
    """
    [(reason, received)] = without_erased_people(db, [[reason, received]])
    return reason, received


def note_failure(organization_id: UUID, delivery_id: UUID, error: Exception) -> None:
    """Set a delivery aside that cannot be read, or has failed often enough; any other waits for
    its next try, as long as its provider asks for.
    """
    log.warning("a try failed", delivery=str(delivery_id), error=type(error).__name__)
    if isinstance(error, UNREADABLE):
        set_aside(organization_id, delivery_id, sentence_of(error), DeliveryStatus.DEAD)
        return
    failures = set_aside(organization_id, delivery_id, why(error), DeliveryStatus.PENDING)
    asked_for = error.retry_after_s + random.random() if isinstance(error, RateLimited) else 0.0  # noqa: S311
    pause = max(timedelta(seconds=2.0**failures), timedelta(seconds=asked_for))
    if failures:
        with as_system(organization_id) as db:
            queue.put_off(db, delivery_id, pause)


def set_aside(organization_id: UUID, delivery_id: UUID, reason: str, status: DeliveryStatus) -> int:
    """Store why the delivery is not processed; returns how often it has failed in a row, or 0 when
    it is not tried again. An erasure comes before or after it, so that neither the reason nor what
    was sent mentions whom it erases.
    """
    with as_system(organization_id) as db:
        db.execute(WAIT_BRIEFLY)
        share_organization(db)
        delivery = _to_change(db, delivery_id)
        if delivery is None or delivery.status != DeliveryStatus.PENDING:
            return 0
        if delivery.failures >= MAX_FAILURES:
            status = DeliveryStatus.DEAD
        log.warning("delivery failed", delivery=str(delivery_id), status=status)
        delivery.status, delivery.last_error = status, _redact(db, delivery, reason)[:500]
        failed = {"at": now().isoformat(), "outcome": "failed", "reason": delivery.last_error}
        delivery.history = [*delivery.history, failed]
        failures = delivery.failures
        db.flush()
        note_error(db, delivery.connection_id, delivery.last_error)
    return failures if status == DeliveryStatus.PENDING else 0


def _redact(db: Session, delivery: WebhookDelivery, reason: str) -> str:
    """Take people who were erased out of what is stored of a delivery that failed; returns the
    reason without them. Reading it may be what cannot be done.
    """
    received = None
    with suppress(*UNREADABLE):
        received = read_payload(delivery.body)
    try:
        with db.begin_nested():
            told, payload = cleaned(db, reason, received)
            if payload is not received and payload != received:
                delivery.body, delivery.headers = json.dumps(payload).encode(), {}
            return told
    except (*UNREADABLE, DataError):
        return "cannot be read"


def _to_change(db: Session, delivery_id: UUID) -> WebhookDelivery | None:
    named = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
    return db.scalars(named.with_for_update()).first()
