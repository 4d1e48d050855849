"""The outbox's way to a telephone, as a text message through Twilio."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from core.deliveries.channels import Channel, Send, recipient_of, register
from core.deliveries.models import OutboxMessage
from core.messages.sealing import opened
from core.messages.sms_outbox import CHANNEL
from core.messages.suppression_list import OptedOut, check_may_be_texted, stop_texts
from core.platform.clock import now
from core.platform.errors import SalesOpsError
from core.providers.twilio import texts as twilio


def _prepare(db: Session, message: OutboxMessage) -> Send:
    check_may_be_texted(db, message)
    return partial(twilio.send, twilio.account_of(db), recipient_of(message), opened(message))


def _note_opt_out(db: Session, message: OutboxMessage, error: SalesOpsError) -> None:
    if isinstance(error, OptedOut):
        stop_texts(db, recipient_of(message), now())


register(Channel(CHANNEL, _prepare, on_refusal=_note_opt_out))
