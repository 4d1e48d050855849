"""All organisations of the installation, as those who run it see them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.tenancy.access.platform_admin import call_as_super_admin


def organizations_overview(db: Session) -> list[Row[Any]]:
    """Every organisation with its members, calls and last delivery; those in their grace come last.
    Raises NotAllowed.
    """
    return call_as_super_admin(db, "organizations_overview")
