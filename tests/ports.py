"""Small things that tests with real processes need."""

import os
import socket
import time
from contextlib import contextmanager
from functools import cache, partial

import httpx
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from core.platform.database import engine as engine_of

# Of a server on this machine. To read whom the world trusts takes forty times as long as to ask.
get, post = partial(httpx.get, verify=False), partial(httpx.post, verify=False)


def free_port() -> int:
    """A port on which no program listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def early_in_a_window(window_s=900, room_s=30):
    """Tries are counted in windows of the clock: wait for the next one where this is about to end,
    since what a test does in two of them is no longer too much.
    """
    rest = window_s - time.time() % window_s
    if rest < room_s:
        time.sleep(rest + 0.1)


def until(true, *, within_s=60, every_s=0.05):
    """Wait until ``true()`` is true; fails after ``within_s``, which stands for "never"."""
    deadline = time.monotonic() + within_s
    while not (answer := true()):
        assert time.monotonic() < deadline, f"{true} did not come true"
        time.sleep(every_s)
    return answer


def answers(address: str) -> bool:
    """Whether a server says at ``address`` that it is well."""
    try:
        return get(address).is_success
    except httpx.TransportError:
        return False


@contextmanager
def owner():
    """A transaction as the database's owner, for what the product's roles must not do."""
    with _engine_of(os.environ["DATABASE_URL"]).begin() as connection:
        yield connection


@cache
def _engine_of(url: str) -> Engine:
    """A new connection of each test's own costs more than most of what is asked over it."""
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True)


def somebody_waits() -> bool:
    """Whether a transaction in this process's database waits for a lock of another one."""
    with owner() as db:
        waiting = text(
            "select exists (select from pg_locks l join pg_stat_activity a using (pid)"
            " where not l.granted and a.datname = current_database())"
        )
        return db.execute(waiting).scalar_one()


@contextmanager
def pausing(role, start, reached, go_on):
    """Transactions of ``role`` stop before a statement that begins so, until they may go on."""

    def wait(_connection, _cursor, statement, *_):
        if " ".join(statement.lower().split()).startswith(start) and not reached.is_set():
            reached.set()
            assert go_on.wait(20)

    event.listen(engine_of(role), "before_cursor_execute", wait)
    try:
        yield
    finally:
        event.remove(engine_of(role), "before_cursor_execute", wait)
