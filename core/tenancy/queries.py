"""The organisation and its settings, as whoever belongs to it sees them."""
from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.tenancy.models import Organization


def home_of(db: Session) -> Organization:
    """The organisation of the transaction."""
    return db.scalars(select(Organization)).one()
