"""Rate limits: counting uses of something in a window of time, across processes."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def take_hit(db: Session, key: str, limit: int, window_s: int) -> int:
    """Count one use of ``key``. Returns 0 while it is within ``limit`` per window, else how many
    seconds to wait.
    """
    hit = text("select app.take_hit(:key, :limit, :window)")
    return db.execute(hit, {"key": key, "limit": limit, "window": window_s}).scalar_one()
