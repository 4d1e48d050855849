"""The queue of deliveries, which is their own table: workers take them by the hundred.

Taking is a transaction of its own, in which the try is counted as failed until it succeeds. So what
kills its worker is recognised: from then on it is taken by itself, and no other is counted with it.
What was taken is left alone for the length of a lease, after which any worker may take it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from core.platform.database import WORKER_ROLE, as_guest

MOST, MOST_BYTES = 200, 8 * 2**20
LEASE = timedelta(seconds=15)
# Each part reads an index that has no other rows, in its order, so that a look costs the same
# however many wait for something else. Of an organisation of which the planner knows nothing yet it
# would rather read everything and sort it. The rows are locked, so that where they stand names
# them: by their ids it would do the same.
IN_ORDER = text("set local enable_sort = off")
TAKE = """
    with {waiting},
    fitting as (
      select w.ctid from (
        select w.ctid, w.size, row_number() over in_order as place,
               sum(w.size) over in_order as total
          from waiting w window in_order as (order by w.is_replay, w.received_at, w.id)) w
       where w.place <= :most and w.total - w.size < :bytes),
    taken as (
      update app.webhook_deliveries d
         set attempts = d.attempts + 1, failures = d.failures + 1,
             due_at = clock_timestamp() + :lease
        from fitting f
       where d.ctid = f.ctid
      returning d.id, d.provider, d.failures, d.attempts, d.connection_id, d.received_at),
    counted as (
      insert into app.connection_activity as c
        (organization_id, connection_id, webhook_count, last_webhook_at)
      select app.cur_org(), t.connection_id, count(*), max(t.received_at)
        from taken t where t.attempts = 1 group by t.connection_id order by t.connection_id
      on conflict (organization_id, connection_id) do update set
        webhook_count = c.webhook_count + excluded.webhook_count,
        last_webhook_at = greatest(c.last_webhook_at, excluded.last_webhook_at))
    select t.id, t.provider, t.failures from taken t
"""
NEW = """
    fresh as (
      select d.ctid, d.id, d.is_replay, d.received_at, octet_length(d.body) as size
        from app.webhook_deliveries d
       where d.organization_id = app.cur_org() and d.status = 'pending' and d.due_at is null
       order by d.is_replay, d.received_at, d.id limit :most for update skip locked),
    put_back as (
      select d.ctid, d.id, d.is_replay, d.received_at, octet_length(d.body) as size
        from app.webhook_deliveries d
       where d.organization_id = app.cur_org() and d.status = 'pending' and d.failures = 0
         and d.due_at <= now()
       order by d.due_at, d.is_replay, d.received_at, d.id limit :most for update skip locked),
    waiting as (select * from fresh union all select * from put_back)
"""
FAILED = """
    waiting as (
      select d.ctid, d.id, d.is_replay, d.received_at, octet_length(d.body) as size
        from app.webhook_deliveries d
       where d.organization_id = app.cur_org() and d.status = 'pending' and d.failures > 0
         and d.due_at <= now()
       order by d.due_at, d.is_replay, d.received_at, d.id limit :most for update skip locked)
"""
TAKE_NEW, TAKE_FAILED = (text(TAKE.format(waiting=waiting)) for waiting in (NEW, FAILED))
PUT_OFF = text("""
    update app.webhook_deliveries
       set due_at = clock_timestamp() + :pause
     where organization_id = app.cur_org() and id = any (:ids) and status = 'pending'
""")
# In the order in which an erasure changes them.
PUT_BACK = text("""
    with held as materialized (
      select d.id from app.webhook_deliveries d
       where d.organization_id = app.cur_org() and d.id = any (:ids) and d.status = 'pending'
       order by d.id for update)
    update app.webhook_deliveries d
       set due_at = nullif(now() + :pause, now()), failures = d.failures - 1
      from held h
     where d.organization_id = app.cur_org() and d.id = h.id
""")


@dataclass(frozen=True)
class Taken:
    """A delivery in a worker's hand; ``failures`` counts this try."""

    id: UUID
    provider: str
    failures: int


def take(db: Session) -> list[Taken]:
    """The next deliveries that wait and have not failed, ``MOST`` at most, which are counted on
    their connections when they are taken first. Commit before they are worked off.
    """
    return _taken(db, TAKE_NEW, MOST)


def take_failed(db: Session) -> list[Taken]:
    """The one that has failed before and whose pause has been over for longest, if there is one."""
    return _taken(db, TAKE_FAILED, 1)


def _taken(db: Session, take_them: TextClause, most: int) -> list[Taken]:
    db.execute(IN_ORDER)
    asked = {"most": most, "bytes": MOST_BYTES, "lease": LEASE}
    return [Taken(*row) for row in db.execute(take_them, asked)]


def put_off(db: Session, delivery_id: UUID, pause: timedelta) -> None:
    """Leave a delivery that failed alone for a while."""
    db.execute(PUT_OFF, {"ids": [delivery_id], "pause": pause})


def put_back(db: Session, delivery_ids: Sequence[UUID], pause: timedelta) -> None:
    """Return what was taken and not tried, to be taken after a while."""
    db.execute(PUT_BACK, {"ids": list(delivery_ids), "pause": pause})


def organizations_waiting() -> list[UUID]:
    """The organisations with deliveries that are due, in no particular order."""
    with as_guest(WORKER_ROLE) as db:
        return list(db.scalars(text("select app.organizations_with_deliveries_due()")))
