"""Deleting what has expired: sessions, tickets, links to a new password, counted attempts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from core.platform.database import WORKER_ROLE, as_guest
from core.platform.tasks import tick


@tick(every=timedelta(hours=1))
def forget_expired() -> None:
    """Delete everything that has expired."""
    with as_guest(WORKER_ROLE) as db:
        db.execute(text("select app.forget_expired()"))
