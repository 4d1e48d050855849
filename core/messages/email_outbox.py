"""E-mails in the outbox. An e-mail may contain a link that gives access, so it is stored sealed."""

from __future__ import annotations

import json
from dataclasses import asdict
from uuid import uuid4

from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage
from core.deliveries.outbox import post
from core.messages.email_templates import Email
from core.messages.sealing import opened, sealed
from core.platform.database import organization_id_of
from core.platform.errors import InvalidInput
from core.platform.normalization import mailable_email

CHANNEL = "email"
# E-mails that somebody asked for, or sent to this one person. They are not news, so people who
# unsubscribed still get them. Sending one twice does no harm.
PERSONAL = frozenset({"invitation", "password_reset", "password_changed", "link"})


def post_email(db: Session, kind: str, recipient: str, email: Email, dedupe_key: str) -> bool:
    """Have an e-mail sent after this transaction commits. Returns False when one with this key was
    posted before.

    Raises:
        InvalidInput: mail cannot be sent to this address.
        Misconfigured: no master key is set.
    """
    address = mailable_email(recipient)
    if address is None:
        raise InvalidInput("Mail cannot be sent to this address.", field="email")
    message_id = uuid4()
    body = {"subject": email.subject} | sealed(
        json.dumps(asdict(email)), organization_id_of(db), message_id
    )
    return post(db, CHANNEL, kind, address, body, dedupe_key, message_id=message_id)


def open_email(message: OutboxMessage) -> Email:
    """The content of a waiting e-mail, only for sending it. Raises Misconfigured when no configured
    key opens it.
    """
    return Email(**json.loads(opened(message)))
