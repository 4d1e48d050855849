"""The runs of syncs as rows: asked for, taken by one process at a time, led on page by page, ended.

A run's row is also its lease. Whoever takes it gets a number, under which alone its pages are
stored, so that a process that was given up for dead changes nothing when it wakes up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from core.deliveries.models import OPEN_SYNCS, SyncRun, SyncStatus
from core.platform.advisory_locks import advisory_lock
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.errors import Conflict, InvalidInput, NotFound
from core.providers import registry
from core.providers.provider import Page, Sync

LEASE = timedelta(seconds=120)  # longer than a page takes while its provider answers slowly
MAX_ATTEMPTS = 5
DIED = "The process that ran it ended before it was done. What it had read is stored."


class LeaseLost(Exception):
    """Another process has taken the run, or somebody has ended it."""


class CancelAsked(Exception):
    """Somebody has asked for the run to stop; what it has stored stays."""


@dataclass(frozen=True)
class Turn:
    """One process's hold of a run."""

    run_id: UUID
    number: int
    provider: str
    what: str
    since: datetime
    whole: bool
    cursor: Mapping[str, Any]


def sync_of(provider: str, what: str) -> Sync:
    """Raises InvalidInput for one that is not declared."""
    known = {each.what: each for each in registry.provider(provider).syncs}
    if what not in known:
        label = registry.provider(provider).label
        offered = f"it has {', '.join(known)}" if known else "there is nothing to read from it"
        raise InvalidInput(f"{label} has no sync “{what}”; {offered}.", field="what")
    return known[what]


def open_run(db: Session, provider: str, what: str, since: datetime | None = None) -> SyncRun:
    """A new run that waits to be taken. It goes on where the last one broke off; with ``since`` it
    reads everything again from there on. One whose process died is closed.

    Raises Conflict while another run is open.
    """
    sync = sync_of(provider, what)
    advisory_lock(db, f"sync {provider} {what}")
    latest = _latest(db, provider, what)
    if latest is not None and latest.status in OPEN_SYNCS:
        if not is_dead(latest):
            raise Conflict(f"{sync.label} are being read already.")
        _end(latest, SyncStatus.FAILED, DIED)
        db.flush()
    run = SyncRun(organization_id=organization_id_of(db), provider=provider, what=what)
    run.since, run.whole = since or _default_since(db, sync, provider), since is not None
    if latest is not None and latest.cursor and since in (None, latest.since):
        run.since, run.whole, run.cursor = latest.since, latest.whole, latest.cursor
    db.add(run)
    db.flush()
    return run


def is_dead(run: SyncRun) -> bool:
    """Whether the process that runs it has not been heard of for as long as its lease."""
    return run.status == SyncStatus.RUNNING and (run.leased_until or now()) < now()


def _latest(db: Session, provider: str, what: str) -> SyncRun | None:
    of = select(SyncRun).where(SyncRun.provider == provider, SyncRun.what == what)
    return db.scalars(of.order_by(SyncRun.asked_at.desc()).limit(1)).first()


def _default_since(db: Session, sync: Sync, provider: str) -> datetime:
    """From before the last run that came to its end began; the first time from long enough ago."""
    done = (
        select(SyncRun.started_at)
        .where(
            SyncRun.provider == provider,
            SyncRun.what == sync.what,
            SyncRun.status == SyncStatus.SUCCESS,
        )
        .order_by(SyncRun.asked_at.desc())
        .limit(1)
    )
    last = db.scalars(done).first()
    return now() - sync.reach if last is None else last - sync.overlap


def take(db: Session, run_id: UUID) -> Turn | None:
    """Hold a run for the length of the lease; None when it has ended. Raises Conflict while another
    process holds it.
    """
    run = db.scalars(select(SyncRun).where(SyncRun.id == run_id).with_for_update()).first()
    if run is None or run.status not in OPEN_SYNCS:
        return None
    if run.status == SyncStatus.RUNNING and not is_dead(run):
        raise Conflict("Another process is at it.")
    if run.attempts >= MAX_ATTEMPTS:
        _end(run, SyncStatus.FAILED, DIED)
        return None
    run.status, run.leased_until = SyncStatus.RUNNING, now() + LEASE
    run.attempts += 1
    run.started_at = run.started_at or now()
    return Turn(
        run.id, run.attempts, run.provider, run.what, run.since, run.whole, run.cursor or {}
    )


def lead_on(
    db: Session, turn: Turn, page: Page, written: int, refusals: Sequence[str] = ()
) -> bool:
    """Store how far the run is, in the transaction of the page's rows, and why some of them could
    not be stored. Returns whether somebody has
    asked for it to stop. Raises LeaseLost.
    """
    led = (
        update(SyncRun)
        .where(
            SyncRun.id == turn.run_id,
            SyncRun.status == SyncStatus.RUNNING,
            SyncRun.attempts == turn.number,
        )
        .values(
            cursor=dict(page.cursor),
            reached=page.reached,
            seen=SyncRun.seen + page.seen,
            written=SyncRun.written + written,
            refused=SyncRun.refused + len(refusals),
            error=func.coalesce(SyncRun.error, next(iter(refusals), None)),
            leased_until=now() + LEASE,
        )
        .returning(SyncRun.cancel_asked_at.is_not(None))
    )
    asked = db.execute(led).first()
    if asked is None:
        raise LeaseLost
    return bool(asked[0])


def end(
    db: Session,
    turn: Turn,
    status: SyncStatus,
    error: str | None = None,
    retry_at: datetime | None = None,
) -> None:
    """Note how the run ended, unless another process has it by now. One that came to its end, or
    was cancelled, is not gone on with. One that could not store everything has failed.
    """
    run = db.scalars(select(SyncRun).where(SyncRun.id == turn.run_id).with_for_update()).first()
    if run is None or run.status != SyncStatus.RUNNING or run.attempts != turn.number:
        return
    if status == SyncStatus.SUCCESS and run.refused:
        status, run.cursor = SyncStatus.FAILED, None
    _end(run, status, error)
    run.retry_at = retry_at


def _end(run: SyncRun, status: SyncStatus, error: str | None) -> None:
    if status in (SyncStatus.SUCCESS, SyncStatus.CANCELLED):
        run.cursor = None
    run.status, run.error = status, error or run.error
    run.ended_at, run.leased_until = now(), None


def cancel(db: Session, run_id: UUID) -> None:
    """Stop a run: one that waits at once, one that runs after its page. Raises NotFound, and
    Conflict for one that has ended.
    """
    run = db.scalars(select(SyncRun).where(SyncRun.id == run_id).with_for_update()).first()
    if run is None:
        raise NotFound("There is no such run.")
    if run.status not in OPEN_SYNCS:
        raise Conflict("It has ended meanwhile.")
    run.cancel_asked_at = now()
    if run.status == SyncStatus.WAITING or is_dead(run):
        _end(run, SyncStatus.CANCELLED, None)


LATEST = text("""
    select distinct on (provider, what) r.*,
      (select max(s.ended_at) from app.sync_runs s
        where s.organization_id = r.organization_id and s.provider = r.provider
          and s.what = r.what and s.status = 'success') as succeeded_at
      from app.sync_runs r where organization_id = app.cur_org()
     order by provider, what, asked_at desc
""")


def latest_runs(db: Session) -> dict[tuple[str, str], Any]:
    """The last run of each sync, by provider and what, with ``succeeded_at`` (when one last came to
    its end).
    """
    return {(row.provider, row.what): row for row in db.execute(LATEST)}


def runs_of(db: Session, provider: str, limit: int = 20) -> list[SyncRun]:
    """The runs of a provider's syncs, the latest first."""
    of = select(SyncRun).where(SyncRun.provider == provider)
    return list(db.scalars(of.order_by(SyncRun.asked_at.desc()).limit(limit)))
