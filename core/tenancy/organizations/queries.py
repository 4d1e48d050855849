"""The organisation and its settings, as whoever belongs to it sees them."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.database import WORKER_ROLE, as_guest, organization_id_of
from core.tenancy.organizations.models import Organization, SettingsRow

READ = "rows of the organisation"
Row = TypeVar("Row", bound=Organization | SettingsRow)


def current_organization(db: Session) -> Organization:
    """The organisation of the transaction, read at most once in it."""
    return settings_of(db, Organization)


def settings_of(db: Session, model: type[Row]) -> Row:
    """The one row that ``model`` holds of the transaction's organisation, its settings or the
    organisation itself, read at most once in it.
    """
    read: dict[type[Any], Any] = db.info.setdefault(READ, {})
    if model not in read:
        read[model] = db.get_one(model, organization_id_of(db))
    return read[model]


def all_organization_ids() -> list[UUID]:
    """Every organisation that is not deleted, for the jobs and commands that go through all of
    them.
    """
    with as_guest(WORKER_ROLE) as db:
        return list(db.execute(text("select app.all_organization_ids()")).scalars())


def unpurged_organization_ids() -> list[UUID]:
    """Every organisation, also those that are deleted and can still come back."""
    with as_guest(WORKER_ROLE) as db:
        return list(db.execute(text("select app.unpurged_organization_ids()")).scalars())
