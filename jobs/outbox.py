"""Messages that wait to go out: each is sent once; when nobody can know whether it was, that is
said and it is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, true, update

from core.deliveries.models import OutboxMessage, OutboxStatus
from core.messages.reports import CHANNEL as SLACK
from core.messages.sms_outbox import CHANNEL as TEXTS
from core.messages.sms_outbox import stop_texts
from core.messages.suppressed import OptedOut
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import (
    AuthenticationFailed,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    SalesOpsError,
)
from core.platform.log import logger
from core.platform.queue import enqueue
from core.tenancy.organizations.models import Organization
from jobs.channels import Send, is_repeatable, sender_for
from jobs.deliveries import FORGOTTEN_AFTER, MAX_ATTEMPTS

log = logger("jobs.outbox")
WORKER_DIED = "the worker ended while sending; look in the channel before sending it again"

WITHOUT_A_JOB = text("""
    select m.id from app.outbox m
     where m.status = 'waiting' and m.created_at < :before
       and not exists (select 1 from jobs.procrastinate_jobs j
                        where j.status in ('todo', 'doing') and j.args->>'message_id' = m.id::text)
""")


@dataclass(frozen=True)
class Claim:
    """A message that this run sends, and nobody else."""

    channel: str
    recipient: str | None
    send: Send
    is_repeatable: bool


def send_outbox(organization_id: UUID, message_id: UUID, *, attempt: int = 1) -> None:
    """Send one waiting message. Raises what is worth another attempt; anything else ends on the
    message's row.
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
            _learn(organization_id, claim, error)
        _settle(organization_id, message_id, "failed", error.message)
    else:
        _settle(organization_id, message_id, "sent", None)


def _try_later(organization_id: UUID, message_id: UUID, error: ProviderError, attempt: int) -> None:
    """Back to waiting, for the queue to try again; the last attempt ends it. To be called while
    ``error`` is handled.
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
    """How to send it, once the message is marked as being sent; None when there is nothing left to
    do. Raises SalesOpsError.
    """
    with as_system(organization_id) as db:
        message = db.scalars(
            select(OutboxMessage).where(OutboxMessage.id == message_id).with_for_update()
        ).first()
        if message is None:
            return None
        repeatable = is_repeatable(message)
        if (
            message.status == "sending" and not repeatable
        ):  # an earlier run began and never came back
            message.status, message.last_error = OutboxStatus.UNCERTAIN, WORKER_DIED
            return None
        if message.status not in ("waiting", "sending"):
            return None
        message.status, message.attempts = OutboxStatus.SENDING, message.attempts + 1
        return Claim(message.channel, message.recipient, sender_for(db, message), repeatable)


def _learn(organization_id: UUID, claim: Claim, error: SalesOpsError) -> None:
    """What a refusal says of all that is still to be sent."""
    if isinstance(error, AuthenticationFailed) and claim.channel == SLACK:
        _stop_reports(organization_id)
    if isinstance(error, OptedOut) and claim.channel == TEXTS and claim.recipient:
        with as_system(organization_id) as db:
            stop_texts(db, organization_id, claim.recipient, now())


def _stop_reports(organization_id: UUID) -> None:
    """Slack refuses for good: what is posted every day waits until an admin has switched it on
    again.
    """
    with as_system(organization_id) as db:
        db.execute(
            update(Organization)
            .where(Organization.id == organization_id)
            .values(slack_report_enabled=False)
        )


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
        )  # what only the recipient may read has no business here any more
    with as_system(organization_id) as db:
        # Another run may have come to an end meanwhile; nothing but a success is said over that.
        open_ = true() if status == "sent" else OutboxMessage.status.in_(["waiting", "sending"])
        db.execute(
            update(OutboxMessage).where(OutboxMessage.id == message_id, open_).values(values)
        )


def sweep_outbox(organization_id: UUID) -> int:
    """Put messages back on the queue that wait although no job does; the number of them. None of
    these was ever sent.
    """
    with as_system(organization_id) as db:
        forgotten = db.scalars(WITHOUT_A_JOB, {"before": now() - FORGOTTEN_AFTER}).all()
        return sum(
            enqueue(db, "send_outbox", organization_id, message_id=str(message_id))
            for message_id in forgotten
        )
