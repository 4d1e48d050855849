"""Rate limits of the API: how many requests an organisation's programs may send per hour, by its
plan. Requests are counted in the database, so that the limit holds across processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from core.platform.clock import now
from core.platform.database import as_guest

HOURLY = {"free": 100, "solo": 500, "team": 5_000, "enterprise": 50_000}
HOUR_S = 3600


@dataclass(frozen=True)
class Rate:
    """How one request stands against the hourly limit."""

    limit: int
    used: int
    resets_at: datetime

    @property
    def wait_s(self) -> int:
        """0 within the limit, else the seconds until the next hour."""
        return (
            0
            if self.used <= self.limit
            else max(1, int((self.resets_at - now()).total_seconds()) + 1)
        )

    def headers(self) -> dict[str, str]:
        """The headers that tell the caller about the limit; the reset is in seconds since 1970."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": str(int(self.resets_at.timestamp())),
        }


def hourly_limit(plan: str) -> int:
    """Requests per hour; an unknown plan gets the smallest limit."""
    return HOURLY.get(plan, HOURLY["free"])


def count_request(organization_id: UUID, plan: str) -> Rate:
    """Count one request of any of the organisation's programs."""
    with as_guest() as db:
        counted = {"key": f"api:{organization_id}", "window": HOUR_S}
        hit = db.execute(
            text("select hits, resets_at from app.count_hit(:key, :window)"), counted
        ).one()
    return Rate(hourly_limit(plan), hit.hits, hit.resets_at)
