"""E-mails on their way through the outbox. What they say may hold a link that lets its reader in,
so it lies there sealed.
"""

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
# What a person asked for or somebody sends to this one person, no news: whoever unsubscribed still
# gets it. To get it twice does no harm either.
PERSONAL = frozenset({"invitation", "password_reset", "password_changed", "link"})


def post_email(db: Session, kind: str, recipient: str, email: Email, dedupe_key: str) -> bool:
    """Have an e-mail sent after this transaction commits; False when one with this key was posted
    before.

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
    """What a waiting message says, for its sending only. Raises Misconfigured when no configured
    key opens it.
    """
    return Email(**json.loads(opened(message)))
