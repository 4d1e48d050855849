"""Of several clocks one works; ticks do not pile up; the jobs of a worker that died are done by
another one.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
from sqlalchemy import text

from core.deliveries.sweeps import sweep_outbox
from core.platform.database import as_system
from core.tenancy.identity.expiry import forget_expired
from jobs import clock, schedule
from tests import factories as make
from tests.flow import work
from tests.ports import owner, until

ROOT = Path(__file__).parents[2]


def leaders():
    with owner() as db:
        query = (
            "select pid from pg_locks where locktype = 'advisory' and objid = :key and granted and"
            " database = (select oid from pg_database where datname = current_database())"
        )
        return db.scalars(text(query), {"key": clock.LEADER_LOCK}).all()


def jobs_of(org, status="todo"):
    with as_system(org) as db:
        query = (
            "select task_name from jobs.procrastinate_jobs where args->>'organization_id' = :org"
            " and status = :status"
        )
        return db.scalars(text(query), {"org": str(org), "status": status}).all()


def test_of_two_clocks_one_leads_and_the_other_takes_over():
    stop_first, stop_second = threading.Event(), threading.Event()
    first = threading.Thread(target=clock.run_clock, args=(stop_first,))
    first.start()
    [leader] = until(leaders)
    second = threading.Thread(target=clock.run_clock, args=(stop_second,))
    second.start()
    assert leaders() == [leader]
    stop_first.set()
    first.join()
    until(lambda: leaders() not in ([], [leader]))
    stop_second.set()
    second.join()
    until(lambda: leaders() == [])  # a server's process ends a moment after its client


def test_a_clock_that_loses_its_connection_leads_again():
    stop = threading.Event()
    thread = threading.Thread(target=clock.run_clock, args=(stop,))
    thread.start()
    [leader] = until(leaders)
    with owner() as db:
        db.execute(text("select pg_terminate_backend(:pid)"), {"pid": leader})
    until(lambda: leaders() not in ([], [leader]))
    stop.set()
    thread.join()


def test_ticks_that_nobody_worked_off_do_not_pile_up(quiet_database):
    org = make.organization()
    schedule.for_each_organization(sweep_outbox)
    schedule.for_each_organization(sweep_outbox)
    assert jobs_of(org) == ["sweep_deliveries"]
    work()
    assert jobs_of(org) == []
    schedule.for_each_organization(sweep_outbox)
    assert jobs_of(org) == ["sweep_deliveries"]


def test_the_job_of_a_dead_worker_is_done_by_another():
    org = make.organization()
    with as_system(org) as db:
        sweep_outbox.later(db)
        db.execute(
            text(
                "update jobs.procrastinate_jobs set status = 'doing' where args->>'organization_id'"
                " = :org"
            ),
            {"org": str(org)},
        )
    work()
    assert jobs_of(org, "doing") == ["sweep_deliveries"]
    schedule.rescue_stalled()
    work()
    assert (jobs_of(org), jobs_of(org, "doing")) == ([], [])


def test_what_counted_only_for_a_while_is_forgotten():
    with owner() as db:
        db.execute(
            text(
                "insert into app.rate_limits values ('old', now() - interval '3 hours', 1), ('new',"
                " now(), 1)"
            )
        )
    forget_expired()
    with owner() as db:
        assert db.scalars(
            text("select key from app.rate_limits where key in ('old', 'new')")
        ).all() == ["new"]


def test_a_worker_ends_cleanly_when_asked_to():
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
        newer = "select 1 from jobs.procrastinate_workers where id > %s"
        known = db.execute("select coalesce(max(id), 0) from jobs.procrastinate_workers").fetchone()
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs", "all"], cwd=ROOT, env=os.environ, stderr=subprocess.PIPE
        )
        until(lambda: db.execute(newer, known).fetchone())
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Traceback" not in said
