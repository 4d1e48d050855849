"""E-mails on their way through the outbox. What they say may hold a link that lets its reader in, so it lies there sealed,
not readable for those who may look at the outbox, and is thrown away once its fate is known."""
from __future__ import annotations

import base64
import json
from dataclasses import asdict
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage, SuppressedEmail
from core.deliveries.outbox import post
from core.messages.emails import Email
from core.people.models import Contact, ContactEmail
from core.platform.errors import Conflict, InvalidInput
from core.platform.names import mailable_email
from core.platform.vault import seal, sealed_with_current_key, unseal

CHANNEL = "email"
# What a person asked for or somebody sends to this one person, no news: whoever unsubscribed still gets it. To get it twice
# does no harm either.
PERSONAL = frozenset({"invitation", "password_reset", "password_changed", "link"})


class Suppressed(Conflict):
    """Nothing is sent to this address any more."""


def _belongs_to(organization_id: UUID, message_id: UUID) -> tuple[str, ...]:
    return (str(organization_id), "outbox", "body", str(message_id))


def post_email(db: Session, organization_id: UUID, kind: str, recipient: str, email: Email, dedupe_key: str) -> bool:
    """Have an e-mail sent after this transaction commits; False when one with this key was posted before.

    Raises:
        InvalidInput: mail cannot be sent to this address.
        Misconfigured: no master key is set.
    """
    address = mailable_email(recipient)
    if address is None:
        raise InvalidInput("Mail cannot be sent to this address.", field="email")
    message_id = uuid4()
    body = _sealed(email, organization_id, message_id)
    return post(db, organization_id, CHANNEL, kind, address, body, dedupe_key, message_id=message_id)


def _sealed(email: Email, organization_id: UUID, message_id: UUID) -> dict[str, str]:
    sealed = seal(json.dumps(asdict(email)), *_belongs_to(organization_id, message_id))
    return {"subject": email.subject, "sealed": base64.b64encode(sealed).decode()}


def open_email(message: OutboxMessage) -> Email:
    """What a waiting message says, for its sending only. Raises Misconfigured when no configured key opens it."""
    sealed = base64.b64decode(message.body["sealed"])
    return Email(**json.loads(unseal(sealed, *_belongs_to(message.organization_id, message.id))))


def reseal_waiting(db: Session) -> int:
    """Seal again what waits sealed under an older key; how many e-mails that were. Needs the system's identity.

    Raises Misconfigured when no configured key opens one.
    """
    waiting = select(OutboxMessage).where(OutboxMessage.body.op("?")("sealed")).with_for_update()
    stale = [each for each in db.scalars(waiting) if not sealed_with_current_key(base64.b64decode(each.body["sealed"]))]
    for message in stale:
        message.body = _sealed(open_email(message), message.organization_id, message.id)
    return len(stale)


def check_not_suppressed(db: Session, message: OutboxMessage) -> None:
    """Raises Suppressed when the address bounced or complained, or has unsubscribed from mail of this kind."""
    known = select(SuppressedEmail.reason).where(SuppressedEmail.email_normalized == message.recipient)
    reason = db.scalars(known).first() or _unsubscribed(db, message)
    if reason is None or (reason == "unsubscribed" and message.kind in PERSONAL):
        return
    raise Suppressed(f"Nothing is sent to this address any more: it {reason}.")


def _unsubscribed(db: Session, message: OutboxMessage) -> str | None:
    """A contact who wants no mail wants none to any of their addresses."""
    contact = (
        select(Contact.id).join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(ContactEmail.email_normalized == message.recipient, Contact.unsubscribed_at.is_not(None))
    )
    return "unsubscribed" if db.scalars(contact).first() else None
