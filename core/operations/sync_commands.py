"""The command that reads from a provider now and waits for the end."""

from __future__ import annotations

from argparse import Namespace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.operations.commands import ORGANIZATION, Answer, argument, command
from core.operations.setup_commands import organization_named
from core.platform.errors import Conflict, InvalidInput


@command(
    "sync",
    "read from a provider now: what is new, or everything since a day",
    ORGANIZATION,
    argument("--provider", required=True),
    argument("--what", help="one of its syncs; all of them without"),
    argument("--since", metavar="DATE", help="read everything again from this day on"),
)
def sync_command(args: Namespace) -> Answer:
    """Run a provider's syncs, one after the other. Not ``ok`` when one of them failed."""
    from core.providers import registry
    from core.providers.sync_runs import sync_of

    organization_id = organization_named(args.org)
    offered = [each.what for each in registry.provider(args.provider).syncs]
    chosen = [args.what] if args.what or not offered else offered
    names = [sync_of(args.provider, what or "").what for what in chosen]
    since = _since(organization_id, args.since) if args.since else None
    runs = [_run(organization_id, args.provider, what, since) for what in names]
    return {"runs": runs, "ok": all(run["status"] != "failed" for run in runs)}


def _since(organization_id: UUID, text: str) -> datetime:
    """The beginning of the day where the organisation is."""
    from core.platform.clock import day_start
    from core.platform.database import as_system
    from core.tenancy.organizations.queries import current_organization

    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"“{text}” is not a day; write it like 2026-11-02.", field="since"
        ) from error
    with as_system(organization_id) as db:
        return day_start(day, current_organization(db).timezone)


def _run(organization_id: UUID, provider: str, what: str, since: datetime | None) -> dict[str, Any]:
    """How one sync ended; put off while another process runs it."""
    from core.providers.syncs import run_here

    try:
        run = run_here(organization_id, provider, what, since)
    except Conflict as error:
        return {"what": what, "status": "deferred", "seen": 0, "written": 0, "error": error.message}
    return {
        "what": what,
        "status": str(run.status),
        "seen": run.seen,
        "written": run.written,
        "error": run.error,
    }
