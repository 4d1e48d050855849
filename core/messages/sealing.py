"""The content of a waiting message, sealed for its row in the outbox. People who may read the
outbox cannot read it, and it is deleted when the message was sent or has failed.
"""

from __future__ import annotations

import base64
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage
from core.platform.vault import seal, sealed_with_current_key, unseal


def _belongs_to(organization_id: UUID, message_id: UUID) -> tuple[str, ...]:
    return (str(organization_id), "outbox", "body", str(message_id))


def sealed(words: str, organization_id: UUID, message_id: UUID) -> dict[str, str]:
    """The sealed part of a message's body. Raises Misconfigured when no master key is set."""
    return {
        "sealed": base64.b64encode(seal(words, *_belongs_to(organization_id, message_id))).decode()
    }


def opened(message: OutboxMessage) -> str:
    """The content of a waiting message, only for sending it. Raises Misconfigured when no
    configured key opens it.
    """
    return unseal(
        base64.b64decode(message.body["sealed"]), *_belongs_to(message.organization_id, message.id)
    )


def reseal_waiting(db: Session) -> int:
    """Seal the waiting messages again that an older key sealed. Returns how many. Needs the
    system's identity.

    Raises Misconfigured when no configured key opens one.
    """
    waiting = select(OutboxMessage).where(OutboxMessage.body.op("?")("sealed")).with_for_update()
    stale = [
        each
        for each in db.scalars(waiting)
        if not sealed_with_current_key(base64.b64decode(each.body["sealed"]))
    ]
    for message in stale:
        message.body = message.body | sealed(opened(message), message.organization_id, message.id)
    return len(stale)
