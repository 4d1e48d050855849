"""The outbox's way to a mailbox."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from core.deliveries.channels import Channel, Send, recipient_of, register
from core.deliveries.models import OutboxMessage
from core.messages.email_outbox import CHANNEL, PERSONAL, open_email
from core.messages.suppression_list import check_may_be_mailed
from core.providers import email


def _prepare(db: Session, message: OutboxMessage) -> Send:
    check_may_be_mailed(db, message, personal=_is_personal(message))
    return partial(
        email.send,
        recipient_of(message),
        open_email(message),
        organization_id=message.organization_id,
        message_id=message.id,
    )


def _is_repeatable(message: OutboxMessage) -> bool:
    """Resend recognises a repetition by its key, and of an e-mail for one person two are as good as
    one.
    """
    return email.delivery_method() == "resend" or _is_personal(message)


def _is_personal(message: OutboxMessage) -> bool:
    return message.kind in PERSONAL


register(Channel(CHANNEL, _prepare, _is_repeatable, is_personal=_is_personal))
