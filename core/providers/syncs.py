"""The engine of all syncs: reads a provider page by page, and stores each page with the place at
which it would go on.

No transaction is open while a provider is asked. Rows become ours through the intake that webhooks
pass, so that whatever comes twice, and in whatever order, is the same row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.deliveries.models import KeyStatus, SyncRun, SyncStatus, WebhookConnection
from core.deliveries.objects import objects_named, remember
from core.platform.advisory_locks import share_organization
from core.platform.clock import now
from core.platform.database import as_system, organization_id_of
from core.platform.errors import Conflict, NotFound, RateLimited, SalesOpsError
from core.platform.log import logger
from core.platform.outage import is_exhausted, is_outage
from core.platform.tasks import by, task
from core.providers import registry
from core.providers.client import RetryPolicy
from core.providers.credentials import client_of
from core.providers.erased import without_erased_people
from core.providers.integrations import access_to, integrations
from core.providers.provider import NoConnection, Page, Payload, Sync, Walk
from core.providers.reasons import reason_of
from core.providers.sync_runs import (
    CancelAsked,
    LeaseLost,
    Turn,
    end,
    latest_runs,
    lead_on,
    open_run,
    sync_of,
    take,
)

log = logger("syncs")
RETRIES = RetryPolicy(timeout_s=30.0, tries=4, longest_pause_s=20.0)
AFTER_A_FAILURE = timedelta(hours=1)


def ask_for_run(db: Session, provider: str, what: str, since: datetime | None = None) -> UUID:
    """Have a worker run a sync soon; ``since`` is for a period of the past. Raises Conflict while
    it runs, and InvalidInput for one that is not declared.
    """
    run_id = open_run(db, provider, what, since).id
    run_sync.later(db, run_id)
    return run_id


@task(name="run_sync", once=by("run_id"), retry=False)
def run_sync(organization_id: UUID, run_id: UUID) -> None:
    """Run it, or look again when the lease of whoever is at it has ended."""
    try:
        run_now(organization_id, run_id)
    except Conflict:
        with as_system(organization_id) as db:
            held = select(SyncRun.leased_until).where(SyncRun.id == run_id)
            if until := db.scalars(held).first():
                run_sync.later_at(db, until + timedelta(seconds=1), run_id)


@task(name="start_due_syncs", cron="4,19,34,49 * * * *")
def start_due_syncs(organization_id: UUID) -> int:
    """Ask for those runs whose time has come, with keys that their provider accepts; how many."""
    with as_system(organization_id) as db:
        latest = latest_runs(db)
        due = [
            (row.provider, sync.what)
            for row in integrations(db)
            if row.status == KeyStatus.VERIFIED
            for sync in registry.provider(row.provider).syncs
            if is_due(sync, latest.get((row.provider, sync.what)))
        ]
        return sum(_asked(db, *each) for each in due)


def is_due(sync: Sync, latest: Any) -> bool:
    """Whether it is time for the next run after the last one. One that is open is due when its
    process has died.
    """
    if latest is None:
        return True
    match latest.status:
        case SyncStatus.DEFERRED:
            next_at = latest.retry_at
        case SyncStatus.FAILED:
            next_at = latest.ended_at + min(sync.every, AFTER_A_FAILURE)
        case SyncStatus.RUNNING:
            next_at = latest.leased_until
        case SyncStatus.WAITING:
            return False
        case _:
            next_at = latest.asked_at + sync.every
    return bool(next_at <= now())


def _asked(db: Session, provider: str, what: str) -> bool:
    try:
        ask_for_run(db, provider, what)
    except Conflict:
        return False
    return True


def run_now(organization_id: UUID, run_id: UUID) -> None:
    """Run a sync to its end here, and note how it ended. Raises Conflict while another process is
    at it, and what the database raises while it is away: then the run is gone on with later.
    """
    with as_system(organization_id) as db:
        turn = take(db, run_id)
    if turn is None:
        return
    status, error, retry_at = _outcome(organization_id, turn)
    if status is not None:
        with as_system(organization_id) as db:
            end(db, turn, status, error, retry_at)
    log.info("sync ended", run=str(run_id), provider=turn.provider, what=turn.what)


def run_here(
    organization_id: UUID, provider: str, what: str, since: datetime | None = None
) -> SyncRun:
    """Run a sync now and wait; the run as it ended. One that waits for a worker is run in its
    place. Raises Conflict while another process is at it.
    """
    with as_system(organization_id) as db:
        waiting = select(SyncRun.id).where(
            SyncRun.provider == provider,
            SyncRun.what == what,
            SyncRun.status == SyncStatus.WAITING,
        )
        run_id = db.scalars(waiting).first() or open_run(db, provider, what, since).id
    run_now(organization_id, run_id)
    with as_system(organization_id) as db:
        return db.get_one(SyncRun, (organization_id, run_id))


Ending = tuple[SyncStatus | None, str | None, datetime | None]


def _outcome(organization_id: UUID, turn: Turn) -> Ending:
    """How a run ended; no status when it is another process's by now."""
    try:
        _walk(organization_id, turn)
        return SyncStatus.SUCCESS, None, None
    except CancelAsked:
        return SyncStatus.CANCELLED, None, None
    except LeaseLost:
        return None, None, None
    except RateLimited as error:
        retry_at = now() + timedelta(seconds=error.retry_after_s)
        return SyncStatus.DEFERRED, error.message, retry_at
    except SalesOpsError as error:
        return SyncStatus.FAILED, error.message, None
    except Exception as error:
        if is_outage(error) or is_exhausted(error):
            raise
        log.exception("a sync failed", run=str(turn.run_id))
        return SyncStatus.FAILED, _sentence(error), None


def _sentence(error: Exception) -> str:
    reason = reason_of(error)[:500]
    return reason[:1].upper() + reason[1:]


def _walk(organization_id: UUID, turn: Turn) -> None:
    """Read and store page after page."""
    sync = sync_of(turn.provider, turn.what)
    with as_system(organization_id) as db:
        access = access_to(db, turn.provider)
    if access is None:
        label = registry.provider(turn.provider).label
        raise NotFound(f"No key of {label} is stored; enter one on Integrations.")

    if sync.needs_connection:
        with as_system(organization_id) as db:
            _only_connection(db, turn.provider)

    def known(kind: str, ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        with as_system(organization_id) as db:
            found = objects_named(db, turn.provider, [(kind, each) for each in ids])
            return {each.external_id: each.data for each in found}

    walk = Walk(turn.since, turn.cursor, turn.whole)
    with client_of(turn.provider, access.secret, access.settings, RETRIES) as client:
        for page in sync.pages(client, access.settings, walk, known):
            if _store_page(organization_id, turn, sync, page):
                raise CancelAsked


def _store_page(organization_id: UUID, turn: Turn, sync: Sync, page: Page) -> bool:
    """Store a page with the place behind it in one transaction. Where its rows cannot be stored
    together, each half is tried by itself, so that one that cannot be stored loses no other.
    Returns whether somebody has asked for the run to stop.
    """
    try:
        with as_system(organization_id) as db:
            written = _stored(db, turn, sync, page.rows)
            remember(db, turn.provider, page.marks)
            return lead_on(db, turn, page, written)
    except LeaseLost:
        raise
    except Exception as error:
        if is_outage(error) or is_exhausted(error):
            raise
        written, refusals = _store_parts(organization_id, turn, sync, page.rows, error)
    with as_system(organization_id) as db:
        return lead_on(db, turn, page, written, refusals)


def _store_parts(
    organization_id: UUID, turn: Turn, sync: Sync, rows: Sequence[Payload], error: Exception
) -> tuple[int, list[str]]:
    """How many rows changed, and why each that failed did."""
    if len(rows) <= 1:
        log.warning("a row of a sync failed", run=str(turn.run_id), error=type(error).__name__)
        return 0, [f"Not everything could be stored. {_sentence(error)}"]
    middle, written, refusals = len(rows) // 2, 0, list[str]()
    for part in (rows[:middle], rows[middle:]):
        try:
            with as_system(organization_id) as db:
                written += _stored(db, turn, sync, part)
        except Exception as failed:
            if is_outage(failed) or is_exhausted(failed):
                raise
            more, why = _store_parts(organization_id, turn, sync, part, failed)
            written, refusals = written + more, refusals + why
    return written, refusals


def _stored(db: Session, turn: Turn, sync: Sync, rows: Sequence[Payload]) -> int:
    share_organization(db)  # an erasure comes before or after it
    if not rows:
        return 0
    return sync.store(db, without_erased_people(db, rows), connection_of(db, turn.provider))


def _only_connection(db: Session, provider: str) -> None:
    """Raises Conflict unless it is clear over which connection the webhooks would have come."""
    of, label = WebhookConnection, registry.provider(provider).label
    active = select(func.count()).where(of.provider == provider, of.active, of.deleted_at.is_(None))
    match db.scalars(active.select_from(of)).one():
        case 0:
            raise Conflict(f"Create a connection of {label} on Connections first.")
        case 1:
            return
    raise Conflict(f"There are several connections of {label}: whose the key is, nobody knows.")


def connection_of(db: Session, provider: str) -> WebhookConnection | NoConnection:
    """The connection over which the provider's webhooks come: the oldest active one."""
    of = WebhookConnection
    active = select(of).where(of.provider == provider, of.active, of.deleted_at.is_(None))
    found = db.scalars(active.order_by(of.created_at).limit(1)).first()
    return NoConnection(organization_id_of(db)) if found is None else found
