"""Messages that wait to go out: each is sent once; when nobody can know whether it was, that is said and it is left alone."""
from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage
from core.deliveries.secrets import read_secret
from core.messages.actions import WEBHOOK_URL
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import AuthenticationFailed, NotFound, ProviderUnavailable, RateLimited, SalesOpsError
from core.platform.log import logger
from core.platform.queue import enqueue
from core.platform.settings import settings
from core.providers import slack
from core.tenancy.models import Organization
from jobs.deliveries import FORGOTTEN_AFTER, MAX_ATTEMPTS

log = logger("jobs.outbox")
WORKER_DIED = "the worker ended while sending; look in the channel before sending it again"

WITHOUT_A_JOB = text("""
    select m.id from app.outbox m
     where m.status = 'waiting' and m.created_at < :before
       and not exists (select 1 from jobs.procrastinate_jobs j
                        where j.status in ('todo', 'doing') and j.args->>'message_id' = m.id::text)
""")


def send_outbox(organization_id: UUID, message_id: UUID, *, attempt: int = 1) -> None:
    """Send one waiting message. Raises what is worth another attempt; anything else ends on the message's row."""
    try:
        if (claimed := _claim(organization_id, message_id)) is None:
            return
        slack.post_message(*claimed)
    except (RateLimited, ProviderUnavailable) as error:
        last = attempt >= MAX_ATTEMPTS
        _settle(organization_id, message_id, "failed" if last else "waiting", error.message)
        if not last:
            raise
    except slack.PerhapsPosted as error:
        _settle(organization_id, message_id, "uncertain", error.message)
    except AuthenticationFailed as error:
        _settle(organization_id, message_id, "failed", error.message)
        _stop_reports(organization_id)
    except SalesOpsError as error:
        _settle(organization_id, message_id, "failed", error.message)
    else:
        _settle(organization_id, message_id, "sent", None)


def _claim(organization_id: UUID, message_id: UUID) -> tuple[str, dict[str, Any]] | None:
    """Where to and what, once the message is marked as being sent; None when there is nothing left to do. Raises NotFound."""
    with as_system(organization_id) as db:
        message = db.scalars(select(OutboxMessage).where(OutboxMessage.id == message_id).with_for_update()).first()
        if message is None:
            return None
        if message.status == "sending":  # an earlier run began and never came back
            message.status, message.last_error = "uncertain", WORKER_DIED
            return None
        if message.status != "waiting":
            return None
        message.status, message.attempts = "sending", message.attempts + 1
        return _address(db, organization_id), message.body


def _address(db: Session, organization_id: UUID) -> str:
    """The organisation's own webhook, else the installation's. Raises NotFound."""
    return _own_address(db, organization_id) or _installations_address()


def _own_address(db: Session, organization_id: UUID) -> str | None:
    try:
        return read_secret(db, organization_id, WEBHOOK_URL)
    except NotFound:
        return None


def _installations_address() -> str:
    if (url := settings().slack_webhook_url) is None:
        raise NotFound("No Slack webhook is set up.")
    return url.get_secret_value()


def _stop_reports(organization_id: UUID) -> None:
    """Slack refuses for good: what is posted every day waits until an admin has switched it on again."""
    with as_system(organization_id) as db:
        db.execute(update(Organization).where(Organization.id == organization_id).values(slack_report_enabled=False))


def _settle(organization_id: UUID, message_id: UUID, status: str, error: str | None) -> None:
    log.info("message", message=str(message_id), status=status)
    values = {"status": status, "last_error": error, "sent_at": now() if status == "sent" else None}
    with as_system(organization_id) as db:
        db.execute(update(OutboxMessage).where(OutboxMessage.id == message_id).values(values))


def sweep_outbox(organization_id: UUID) -> int:
    """Put messages back on the queue that wait although no job does; the number of them. None of these was ever sent."""
    with as_system(organization_id) as db:
        forgotten = db.scalars(WITHOUT_A_JOB, {"before": now() - FORGOTTEN_AFTER}).all()
        return sum(enqueue(db, "send_outbox", organization_id, message_id=str(message_id)) for message_id in forgotten)
