"""The self-check's lines about an organisation's keys at providers: the result of their latest
verification, and of what is read with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.deliveries.models import OPEN_SYNCS, KeyStatus, SyncStatus
from core.operations.checks import Check, State
from core.platform.clock import now
from core.providers.integrations import integrations
from core.providers.provider import Sync
from core.providers.registry import provider
from core.providers.sync_runs import is_dead, latest_runs
from core.tenancy.organizations.models import Organization

STALE_AFTER = timedelta(days=3)
SCREEN = "integrations"
SILENT_AFTER_RUNS, SILENT_AFTER = 3, timedelta(hours=6)
AGAIN = "It is tried again by itself. To try now, use “Sync now” on Integrations."
RUNNING_JOBS = "Make sure that the clock and a worker are running: python -m jobs"


def key_checks(db: Session, organization: Organization) -> Iterator[Check]:
    """One line for each key."""
    for row in integrations(db):
        state, seen, fix = _finding(row)
        yield Check(
            f"key {provider(row.provider).label}", state, seen, fix, organization.slug, SCREEN
        )


def sync_checks(db: Session, organization: Organization) -> Iterator[Check]:
    """One line for each thing that is read with an accepted key."""
    latest = latest_runs(db)
    for row in integrations(db):
        for sync in provider(row.provider).syncs if row.status == KeyStatus.VERIFIED else ():
            name = f"sync {provider(row.provider).label}: {sync.label}"
            found = _sync_finding(sync, latest.get((row.provider, sync.what)), row)
            yield Check(name, *found, organization.slug, SCREEN)


def _sync_finding(sync: Sync, run: Any, key: Row[Any]) -> tuple[State, str, str]:
    """A failure is red once it has lasted for longer than it takes to be tried again."""
    since = run.succeeded_at if run and run.succeeded_at else key.created_at
    is_silent = now() - since > max(SILENT_AFTER_RUNS * sync.every, SILENT_AFTER)
    if run and run.status == SyncStatus.FAILED:
        return State.RED if is_silent else State.AMBER, run.error, AGAIN
    if run and is_dead(run):
        return State.AMBER, "its process ended before it was done", AGAIN
    if is_silent:
        since = f"not since {since:%Y-%m-%d}" if run and run.succeeded_at else "never yet"
        return State.AMBER, f"not read to the end, {since}", RUNNING_JOBS
    if run is None or run.status in OPEN_SYNCS:
        return State.GREEN, "being read" if run else "it is read within the quarter of an hour", ""
    if run.status == SyncStatus.DEFERRED:
        return State.GREEN, "put off, as the provider asks for a pause; it goes on by itself", ""
    return State.GREEN, f"{run.seen} read, {run.written} changed", ""


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
            RUNNING_JOBS,
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
