"""How a message of the outbox leaves: its channel decides the client and whether sending it again
can do harm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage
from core.deliveries.secrets import read_secret
from core.messages import email_outbox, reports, sms_outbox
from core.messages.actions import WEBHOOK_URL
from core.messages.sealing import opened
from core.platform.errors import Misconfigured, NotFound
from core.platform.settings import settings
from core.providers import email
from core.providers.slack import messages as slack
from core.providers.twilio import texts as twilio

Send = Callable[[], None]


def sender_for(db: Session, message: OutboxMessage) -> Send:
    """What sends the message; it needs no database.

    Raises:
        NotFound: the channel is not set up.
        Suppressed: nothing is sent to the recipient any more.
        Misconfigured: the message cannot be opened, or nobody knows its channel.
    """
    if message.channel == reports.CHANNEL:
        return partial(
            slack.post_message, _slack_address(db, message.organization_id), message.body
        )
    if message.channel == email_outbox.CHANNEL and message.recipient:
        email_outbox.check_not_suppressed(db, message)
        said = email_outbox.open_email(message)
        return partial(
            email.send,
            message.recipient,
            said,
            organization_id=message.organization_id,
            message_id=message.id,
        )
    if message.channel == sms_outbox.CHANNEL and message.recipient:
        sms_outbox.check_may_be_texted(db, message)
        return partial(twilio.send, twilio.account_of(db), message.recipient, opened(message))
    raise Misconfigured(f"Nobody knows how to send by “{message.channel}”.")


def is_repeatable(message: OutboxMessage) -> bool:
    """Whether a message that may have been sent can be sent again: Resend knows it by its key, and
    of what is for one person, two are as good as one.
    """
    if message.channel != email_outbox.CHANNEL:
        return False
    return email.delivery_method() == "resend" or message.kind in email_outbox.PERSONAL


def _slack_address(db: Session, organization_id: UUID) -> str:
    """The organisation's own webhook, else the installation's. Raises NotFound."""
    try:
        return read_secret(db, organization_id, WEBHOOK_URL)
    except NotFound:
        return _installations_address()


def _installations_address() -> str:
    if (url := settings().slack_webhook_url) is None:
        raise NotFound("No Slack webhook is set up.")
    return url.get_secret_value()
