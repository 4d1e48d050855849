"""The organisation and its settings, as its members see them."""

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
    """The transaction's organisation, read at most once per transaction."""
    return settings_of(db, Organization)


def settings_of(db: Session, model: type[Row]) -> Row:
    """The row of the transaction's organisation in ``model``, which is a table of settings or
    ``Organization``; read at most once per transaction.
    """
    read: dict[type[Any], Any] = db.info.setdefault(READ, {})
    if model not in read:
        read[model] = db.get_one(model, organization_id_of(db))
    return read[model]


def all_organization_ids() -> list[UUID]:
    """The ids of all organisations that are not deleted, for jobs and commands that work on
    each.
    """
    with as_guest(WORKER_ROLE) as db:
        return list(db.execute(text("select app.all_organization_ids()")).scalars())


def unpurged_organization_ids() -> list[UUID]:
    """The ids of all organisations, including deleted ones that can still be restored."""
    with as_guest(WORKER_ROLE) as db:
        return list(db.execute(text("select app.unpurged_organization_ids()")).scalars())
