"""All organisations of the installation, as super admins see them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.tenancy.access.platform_admin import call_as_super_admin


def organizations_overview(db: Session) -> list[Row[Any]]:
    """Every organisation with its members, events and latest delivery. Deleted ones that can still
    be restored come last. Raises NotAllowed.
    """
    return call_as_super_admin(db, "organizations_overview")
