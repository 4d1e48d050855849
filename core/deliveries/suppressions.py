"""Addresses that nothing is sent to any more."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, case, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.deliveries.models import SuppressedEmail

WEIGHT = {"unsubscribed": 1, "bounced": 2, "complained": 3}


def suppress(
    db: Session, organization_id: UUID, email_normalized: str, reason: str, at: datetime
) -> None:
    """Send nothing to this address any more. A graver reason replaces a lighter one, of equal ones
    the earliest stays, so that the order in which they are told does not matter.
    """
    new = insert(SuppressedEmail).values(
        organization_id=organization_id, email_normalized=email_normalized, reason=reason, at=at
    )
    known, told = case(WEIGHT, value=SuppressedEmail.reason), WEIGHT[reason]
    db.execute(
        new.on_conflict_do_update(
            index_elements=["organization_id", "email_normalized"],
            set_={"reason": reason, "at": at},
            where=or_(known < told, and_(known == told, SuppressedEmail.at > at)),
        )
    )
