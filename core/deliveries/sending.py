"""Sending the messages of the outbox. Each is sent once; one that may have been sent is marked as
uncertain and left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, true, update
from sqlalchemy.orm import Session

from core.deliveries.channels import Channel, Send, channel_named
from core.deliveries.models import OutboxMessage, OutboxStatus
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import (
    Conflict,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    SalesOpsError,
)
from core.platform.log import logger
from core.platform.tasks import MAX_ATTEMPTS, task
from core.tenancy.organizations.queries import current_organization

log = logger("jobs.outbox")
WORKER_DIED = "the worker ended while sending; look in the channel before sending it again"


@dataclass(frozen=True)
class Claim:
    """A message that this run sends, and no other run."""

    message: OutboxMessage
    channel: Channel
    send: Send

    @property
    def is_repeatable(self) -> bool:
        return self.channel.is_repeatable(self.message)


@task()
def send_outbox(organization_id: UUID, message_id: UUID, *, attempt: int = 1) -> None:
    """Send one waiting message. Raises errors for which another attempt makes sense; others are
    stored on the message's row.
    """
    claim = None
    try:
        claim = _claim(organization_id, message_id)
        if claim is None:
            return
        claim.send()
    except (RateLimited, ProviderUnavailable) as error:
        _try_later(organization_id, message_id, error, attempt)
    except OutcomeUnknown as error:
        if claim is None or not claim.is_repeatable:
            _settle(organization_id, message_id, "uncertain", error.message)
        else:
            _try_later(organization_id, message_id, error, attempt)
    except SalesOpsError as error:
        if claim is not None:
            with as_system(organization_id) as db:
                claim.channel.on_refusal(db, claim.message, error)
        _settle(organization_id, message_id, "failed", error.message)
    else:
        _settle(organization_id, message_id, "sent", None)


def _try_later(organization_id: UUID, message_id: UUID, error: ProviderError, attempt: int) -> None:
    """Mark the message as waiting again, so that the queue retries it, or as failed after the last
    attempt. To be called while ``error`` is handled.
    """
    if attempt < MAX_ATTEMPTS:
        _settle(organization_id, message_id, "waiting", error.message)
        raise error
    _settle(
        organization_id,
        message_id,
        "uncertain" if isinstance(error, OutcomeUnknown) else "failed",
        error.message,
    )


def _claim(organization_id: UUID, message_id: UUID) -> Claim | None:
    """Mark the message as being sent and return how to send it. None when there is nothing left to
    do. Raises SalesOpsError.
    """
    with as_system(organization_id) as db:
        message = db.scalars(
            select(OutboxMessage).where(OutboxMessage.id == message_id).with_for_update()
        ).first()
        if message is None:
            return None
        channel = channel_named(message.channel)
        if message.status == "sending" and not channel.is_repeatable(message):
            # An earlier run started to send it and died.
            message.status, message.last_error = OutboxStatus.UNCERTAIN, WORKER_DIED
            return None
        if message.status not in ("waiting", "sending"):
            return None
        _check_sends(db, message, channel)
        message.status, message.attempts = OutboxStatus.SENDING, message.attempts + 1
        return Claim(message, channel, channel.prepare(db, message))


def _check_sends(db: Session, message: OutboxMessage, channel: Channel) -> None:
    """Raises Conflict where the organisation sends nothing now. The message is then not sent later
    either: news of a pause is old when the pause is over.
    """
    status = current_organization(db).status
    if not status.sends and not (status.is_open and channel.is_personal(message)):
        raise Conflict(f"The organisation is {status.label.lower()}, so this was not sent.")


def _settle(organization_id: UUID, message_id: UUID, status: str, error: str | None) -> None:
    log.info("message", message=str(message_id), status=status)
    values: dict[str, Any] = {
        "status": status,
        "last_error": error,
        "sent_at": now() if status == "sent" else None,
    }
    if status != "waiting":
        values["body"] = OutboxMessage.body.op("-")(
            "sealed"
        )  # only the recipient may read it, so it must not stay here
    with as_system(organization_id) as db:
        # Another run may have finished meanwhile; only a success replaces its result.
        open_ = true() if status == "sent" else OutboxMessage.status.in_(["waiting", "sending"])
        db.execute(
            update(OutboxMessage).where(OutboxMessage.id == message_id, open_).values(values)
        )
