"""The outbox: messages that are written in the transaction of what they are about, and sent by a
job once per ``dedupe_key``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage
from core.deliveries.sending import send_outbox
from core.platform.database import organization_id_of


def post(
    db: Session,
    channel: str,
    kind: str,
    recipient: str | None,
    body: dict[str, Any],
    dedupe_key: str,
    *,
    message_id: UUID | None = None,
) -> bool:
    """Have a message sent after this transaction commits. Returns False when one with this key was
    posted before.

    ``channel`` names the channel (see ``core.deliveries.channels``), ``kind`` the sort of message;
    ``body`` is what the channel's client receives. ``message_id`` is given when the body was sealed
    for a row of this id.
    """
    message_id = message_id or uuid4()
    # A rep may write a message but not read the outbox, so RETURNING is not possible; the row count
    # says whether it was added.
    added = db.execute(
        insert(OutboxMessage)
        .values(
            organization_id=organization_id_of(db),
            id=message_id,
            channel=channel,
            kind=kind,
            recipient=recipient,
            body=body,
            dedupe_key=dedupe_key,
        )
        .on_conflict_do_nothing(),
        execution_options={"preserve_rowcount": True},
    )
    if added.rowcount == 0:  # type: ignore[attr-defined]
        return False
    send_outbox.later(db, message_id)
    return True
