"""The self-check's lines about an organisation's keys at providers: the result of their latest
verification.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.deliveries.models import KeyStatus
from core.operations.checks import Check, State
from core.platform.clock import now
from core.providers.integrations import integrations
from core.providers.registry import provider
from core.tenancy.organizations.models import Organization

STALE_AFTER = timedelta(days=3)
SCREEN = "integrations"


def key_checks(db: Session, organization: Organization) -> Iterator[Check]:
    """One line for each key."""
    for row in integrations(db):
        state, seen, fix = _finding(row)
        yield Check(
            f"key {provider(row.provider).label}", state, seen, fix, organization.slug, SCREEN
        )


def _finding(row: Row[Any]) -> tuple[State, str, str]:
    """The result, what was found, and how to fix it."""
    if row.status == KeyStatus.REFUSED:
        return (
            State.RED,
            row.last_error,
            "Enter a new key on Integrations, or remove it.",
        )
    if row.status == KeyStatus.UNVERIFIED:
        return (
            State.AMBER,
            row.last_error,
            "It is retried every hour. To retry now, use “Verify now” on Integrations.",
        )
    if now() - row.updated_at > STALE_AFTER:
        return (
            State.AMBER,
            "not verified for days",
            "Make sure that the clock and a worker are running: python -m jobs",
        )
    if row.status == KeyStatus.CHECKING:
        return State.AMBER, "being verified", "Check again in a minute."
    if row.remark:
        return (
            State.AMBER,
            f"accepted for {row.account_name}. {row.remark}",
            "Fix it at the provider, then use “Verify now”.",
        )
    return State.GREEN, f"accepted for {row.account_name}", ""
