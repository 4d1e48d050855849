"""The organisation and its settings, as whoever belongs to it sees them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.database import WORKER_ROLE, as_guest, organization_id_of
from core.tenancy.organizations.models import Organization

ORGANIZATION = "organization"


def current_organization(db: Session) -> Organization:
    """The organisation of the transaction, read at most once in it."""
    if ORGANIZATION not in db.info:
        db.info[ORGANIZATION] = db.get_one(Organization, organization_id_of(db))
    return db.info[ORGANIZATION]


def all_organization_ids() -> list[UUID]:
    """Every organisation that is not deleted, for the jobs and commands that go through all of
    them.
    """
    with as_guest(WORKER_ROLE) as db:
        return list(db.execute(text("select app.all_organization_ids()")).scalars())


def kept_organization_ids() -> list[UUID]:
    """Every organisation, also those that are deleted and can still come back."""
    with as_guest(WORKER_ROLE) as db:
        return list(db.execute(text("select app.kept_organization_ids()")).scalars())
