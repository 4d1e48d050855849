"""A payout of 100,000 payments: drafting it, compared with inserting the same rows by hand into a
table of the same indexes and checks without triggers, references and policies; and how the memory
of its answer grows with its lines. Then the attribution of all its payments at once, compared with
an UPDATE by hand that looks up the latest booking of each address.

``python -m bench.payouts SNAPSHOT`` writes the answer of a payout nowhere and prints the process's
peak memory as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy import text

from bench.data import ADMIN, MEASURED, TIMEZONE, filled
from bench.exports import own_peak_mb
from bench.receiver import Row
from core.money.payouts import create_snapshot
from core.money.schemas import payout_json
from core.platform.clock import Period
from core.platform.database import as_member, as_system

EVENTS, PAYMENTS, ROUNDS = 20_000, 100_000, 5
MARCH = Period(date(2025, 3, 1), date(2025, 4, 1), TIMEZONE)
TENTH = Period(MARCH.start, date(2025, 3, 4), TIMEZONE)
MAX_DRAFT, MAX_ATTRIBUTION, MAX_GROWTH_MB = 1.5, 8.0, 8.0

# Each booking's customer paid several times in March; the bookings are earlier.
LOAD = """
    set session_replication_role = replica;
    delete from app.payments;
    update app.events set scheduled_at = scheduled_at - interval '400 days',
      call_status = 'completed';
    insert into app.payments (
      organization_id, amount, currency, payment_date, customer_email, customer_email_normalized,
      customer_name, processor, processor_payment_id, event_id, closer_id, setter_id, source_id,
      package_id, attribution_method, attribution_reason)
    select e.organization_id, 100 + n % 4900, 'USD',
           timestamptz '{start}' + interval '30 days' * (n::float8 / {payments}),
           e.lead_email, e.lead_email_normalized, e.lead_name, 'stripe', 'pi_' || n, e.id,
           e.closer_id, e.setter_id, e.source_id, lists.member(4, n % 5), 'email', 'matched'
      from generate_series(0, {payments} - 1) n
      join (select *, row_number() over (order by id) - 1 as place from app.events) e
        on e.place = n % {events};
    create table bare_lines (like app.payout_snapshot_details
      including defaults including constraints including indexes);
    create table bare_payments (like app.payments including defaults including indexes);
    insert into bare_payments overriding user value select * from app.payments;
    vacuum (analyze)
"""
INSERT = """
    insert into bare_lines (
      organization_id, snapshot_id, payment_id, kind, reason_code, line_date, payment_date,
      customer_email, customer_name, processor, processor_payment_id, currency, amount,
      refund_amount, net_revenue, event_id, closer_id, closer_name, setter_id, setter_name,
      source_id, source_name, package_id, package_name, attribution_method, attribution_reason)
    select p.organization_id, '{snapshot}', p.id, 'payment', 'payment', p.payment_date,
           p.payment_date, p.customer_email, p.customer_name, p.processor, p.processor_payment_id,
           p.currency, p.amount, p.refund_amount, p.net_revenue, p.event_id, p.closer_id, c.name,
           p.setter_id, s.name, p.source_id, o.name, p.package_id, k.name, p.attribution_method,
           p.attribution_reason
      from app.payments p
      left join app.closers c on c.organization_id = p.organization_id and c.id = p.closer_id
      left join app.setters s on s.organization_id = p.organization_id and s.id = p.setter_id
      left join app.sources o on o.organization_id = p.organization_id and o.id = p.source_id
      left join app.packages k on k.organization_id = p.organization_id and k.id = p.package_id
     where p.organization_id = '{org}' and p.counts
       and p.payment_date >= '{start}' and p.payment_date < '{end}'
"""
UPDATE = """
    update bare_payments p
       set event_id = m.event_id, closer_id = m.closer_id, setter_id = m.setter_id,
           source_id = m.source_id, attribution_method = 'email',
           attribution_reason = 'matched ' || m.email, attributed_at = clock_timestamp(),
           updated_at = clock_timestamp()
      from (select distinct on (p.id) p.id, v.id as event_id, v.closer_id, v.setter_id,
                   v.source_id, v.lead_email_normalized as email
              from bare_payments p
              join app.events v on v.organization_id = p.organization_id
               and v.lead_email_normalized = p.customer_email_normalized
               and v.scheduled_at <= p.payment_date
             order by p.id, v.scheduled_at desc) m
     where p.id = m.id
"""
FORGET = """
    set session_replication_role = replica;
    update app.payments set event_id = null, closer_id = null, setter_id = null,
      source_id = null, attribution_method = 'none', attribution_reason = null
"""
FACTS = {
    "start": MARCH.starts_at,
    "end": MARCH.ends_at,
    "payments": PAYMENTS,
    "events": EVENTS,
    "org": MEASURED,
    "snapshot": ADMIN,
}


def run() -> list[Row]:
    """The draft as the median of rounds in turns, both sides into empty tables; the attribution,
    which takes longest, once.
    """
    with (
        filled(events=EVENTS, organizations=1) as owner_url,
        psycopg.connect(owner_url, autocommit=True) as owner,
    ):
        for statement in LOAD.format(**FACTS).split(";"):
            owner.execute(statement)
        small, whole = _draft(TENTH), _draft(MARCH)
        memory = _memory(small, whole)
        drafts = [(_drafted(owner), _by_hand(owner)) for _ in range(ROUNDS)]
        update = partial(owner.execute, UPDATE)
        attribution = [(_attributed(owner), _seconds(update))]
        return [
            _row("100,000 payments drafted", drafts, MAX_DRAFT),
            memory,
            _row("100,000 payments attributed", attribution, MAX_ATTRIBUTION),
        ]


def _draft(period: Period) -> UUID:
    with as_member(ADMIN, MEASURED) as db:
        return create_snapshot(db, None, period, None).id


def _drafted(owner: psycopg.Connection) -> float:
    owner.execute("truncate app.payout_snapshot_details")
    return _seconds(partial(_draft, MARCH))


def _attributed(owner: psycopg.Connection) -> float:
    """All payments, of which nothing is known before."""
    owner.execute(FORGET)
    with as_system(MEASURED) as db:
        return _seconds(partial(db.execute, text("select app.attribute_all()")))


def _by_hand(owner: psycopg.Connection) -> float:
    owner.execute("truncate bare_lines")
    return _seconds(partial(owner.execute, INSERT.format(**FACTS)))


def _seconds(run_once: Callable[[], object]) -> float:
    started = time.perf_counter()
    run_once()
    return time.perf_counter() - started


def _row(name: str, rounds: list[tuple[float, float]], most: float) -> Row:
    ours, bare = (statistics.median(one[side] for one in rounds) for side in (0, 1))
    ratio = statistics.median(ours / bare for ours, bare in rounds)
    return Row(name, f"{ours:.1f} s", f"{bare:.1f} s", ratio, f"≤ {most}", ratio <= most)


def _memory(small: UUID, whole: UUID) -> Row:
    """The peak of a process that writes the whole payout's answer, and of one that writes a tenth
    of it.
    """
    everything, tenth = _peak_mb(whole), _peak_mb(small)
    return Row(
        "memory of ten times the lines",
        f"{everything:.0f} MB",
        f"{tenth:.0f} MB",
        everything / tenth,
        f"≤ + {MAX_GROWTH_MB:.0f} MB",
        everything - tenth <= MAX_GROWTH_MB,
    )


def _peak_mb(snapshot_id: UUID) -> float:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "bench.payouts", str(snapshot_id)],
        env=os.environ,
        cwd=Path(__file__).parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured["peak_mb"]


if __name__ == "__main__":
    for _ in payout_json(partial(as_member, ADMIN, MEASURED), UUID(sys.argv[1])):
        pass
    print(json.dumps({"peak_mb": own_peak_mb()}))
