"""Leads as people and programs look at them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from core.people.models import Contact, Lead, Source
from core.people.visibility import visible


def leads_page(
    db: Session, *, limit: int = 50, after: tuple[datetime, UUID] | None = None
) -> list[Row[Any]]:
    """Inquiries that the caller may see with their contact, latest first; ``after`` is where the
    page before ended.
    """
    query = (
        select(
            Lead.id,
            Lead.contact_id,
            visible(Contact.name),
            visible(Contact.email),
            visible(Contact.phone),
            Lead.status,
            Source.name.label("source"),
            Lead.original_setter_name,
            Lead.current_setter_name,
            Lead.created_at,
        )
        .outerjoin(
            Contact,
            (Contact.organization_id == Lead.organization_id) & (Contact.id == Lead.contact_id),
        )
        .outerjoin(
            Source, (Source.organization_id == Lead.organization_id) & (Source.id == Lead.source_id)
        )
        .order_by(Lead.created_at.desc(), Lead.id.desc())
    )
    if after is not None:
        query = query.where(tuple_(Lead.created_at, Lead.id) < after)
    return list(db.execute(query.limit(limit)))
