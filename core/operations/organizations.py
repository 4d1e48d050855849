"""All organisations of the installation: what super admins see of them, and removing them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core.platform.database import WORKER_ROLE, as_guest
from core.platform.log import logger
from core.platform.tasks import tick
from core.tenancy.access.platform_admin import call_as_super_admin

log = logger("jobs.schedule")


def organizations_overview(db: Session) -> list[Row[Any]]:
    """Every organisation with its members, events and latest delivery. Deleted ones that can still
    be restored come last. Raises NotAllowed.
    """
    return call_as_super_admin(db, "organizations_overview")


@tick(every=timedelta(hours=1))
def purge_organizations() -> None:
    """Remove the deleted organisations whose grace period is over."""
    with as_guest(WORKER_ROLE) as db:
        for organization_id in db.execute(text("select app.purge_organizations()")).scalars():
            log.warning("organization purged", organization=str(organization_id))
