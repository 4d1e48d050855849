"""One real Postgres for the whole run, one migrated template, one clone per test process."""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
SUMMARY_FROM = 500
CACHE = ROOT / ".data" / "tests"
MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

os.environ["ENCRYPTION_MASTER_KEY"] = MASTER_KEY
os.environ.setdefault("DATA_DIR", str(CACHE))
# Tests start the product's processes a hundred times; none of them compiles its modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

from core.migrations.upgrade import migrate  # noqa: E402
from core.platform import database  # noqa: E402
from core.platform.local_postgres import LocalPostgres  # noqa: E402
from core.platform.settings import settings  # noqa: E402
from core.tenancy.identity import passwords  # noqa: E402
from tests.books import guard_books  # noqa: E402
from tests.examples import register_profiles  # noqa: E402

register_profiles()

# The product takes a quarter of a second for each password, so that they are slow to guess. What is
# proved of a password does not depend on that, except in tests/tenancy/test_passwords.py.
passwords.ROUNDS = 4
passwords.NOBODYS_HASH = passwords.hash_password("that of nobody")

# What shares something that is slow to start: all tests of such a file go to one worker.
SHARING = (
    "tests/browser/",
    "tests/operations/test_backup.py",
    "tests/operations/test_demo.py",
    "tests/operations/test_keys_and_doctor.py",
    "tests/operations/test_supervisor.py",
    "tests/security/test_canary.py",
)
# The long ones come first, so that nobody waits for them at the end.
FIRST = ("tests/webhooks/test_kill.py", *SHARING)
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": 300,
    "autovacuum_naptime": "1min",
}


class SharingScheduler(LoadScopeScheduling):
    """Each test goes to whichever worker is free; the tests of a file in ``SHARING`` all go to
    one.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(SHARING) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharingScheduler:
    config.option.loadscopereorder = False
    return SharingScheduler(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: next(
            (place for place, start in enumerate(FIRST) if item.nodeid.startswith(start)),
            len(FIRST),
        )
    )


def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end: the garbage collector need not look at those
    hundreds of thousands of objects again and again.
    """
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints how long the tests of each folder took, so that growth is noticed where it happens."""
    spent: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = report.nodeid.partition("::")[0].rpartition("/")[0]
                spent[folder] += report.duration
                tests[folder] += report.when == "call"
    if sum(tests.values()) < SUMMARY_FROM:
        return
    terminalreporter.section("worker-seconds by folder")
    for folder, seconds in spent.most_common():
        terminalreporter.write_line(f"{seconds:7.1f} s  {tests[folder]:5} tests  {folder}")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A superuser's address of a Postgres that may be filled with databases: TEST_DATABASE_URL or
    the embedded one.
    """
    if outside := os.environ.get("TEST_DATABASE_URL"):
        yield outside
        return
    with LocalPostgres(CACHE / "postgres", FAST) as postgres:
        yield postgres.url()


def _fingerprint() -> str:
    """Changes with anything that shapes the schema."""
    digest = hashlib.sha256()
    shaping = [
        ROOT / "core/platform/personal.py",
        *ROOT.glob("core/people/p*_fields.py"),
        *ROOT.glob("core/providers/*/provider.py"),
        *ROOT.glob("core/**/models.py"),
        *ROOT.glob("core/**/*.sql"),
        *ROOT.glob("core/platform/security/*.py"),
        *ROOT.glob("core/migrations/**/*.py"),
        ROOT / "core/platform/schema.py",
        ROOT / "core/platform/sql_reader.py",
        ROOT / "tests/books.py",
    ]
    for path in sorted(
        path for path in shaping if path.is_file() and path.suffix in {".py", ".sql"}
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def new_database(server: str) -> Iterator[Callable[[], str]]:
    """A function that creates another migrated database and returns its owner's address."""
    template = f"template_{_fingerprint()}"
    CACHE.mkdir(parents=True, exist_ok=True)
    made: list[str] = []
    with psycopg.connect(server, autocommit=True) as admin, open(CACHE / ".template", "w") as mutex:

        def clone() -> str:
            name = f"test_{os.getpid()}_{len(made)}"
            fcntl.flock(mutex, fcntl.LOCK_EX)
            try:
                if (
                    admin.execute(
                        "select 1 from pg_database where datname = %s", (template,)
                    ).fetchone()
                    is None
                ):
                    unfinished = template + "_new"
                    admin.execute(_named("drop database if exists {} with (force)", unfinished))
                    admin.execute(_named("create database {}", unfinished))
                    migrate_at(_url(server, unfinished))
                    guard_books(_url(server, unfinished))
                    admin.execute(_named("alter database {} rename to {}", unfinished, template))
                admin.execute(_named("drop database if exists {} with (force)", name))
                admin.execute(
                    _named("create database {} template {} strategy file_copy", name, template)
                )
            finally:
                fcntl.flock(mutex, fcntl.LOCK_UN)
            made.append(name)
            return _url(server, name)

        yield clone
        _forget_engines()
        for name in made:
            admin.execute(_named("drop database if exists {} with (force)", name))


def _named(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))


def _url(server: str, name: str) -> str:
    return (
        make_url(server)
        .set(database=name, drivername="postgresql")
        .render_as_string(hide_password=False)
    )


def migrate_at(url: str) -> None:
    """Migrates the database at ``url``, and restores the process's settings."""
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = url
    settings.cache_clear()
    try:
        migrate()
    finally:
        if before is None:
            del os.environ["DATABASE_URL"]
        else:
            os.environ["DATABASE_URL"] = before
        settings.cache_clear()


def _forget_engines() -> None:
    for role in (database.APP_ROLE, database.WORKER_ROLE):
        database.engine(role).dispose()
    database.engine.cache_clear()


def use_database(url: str) -> None:
    """From here on the product's settings point at the database at ``url``."""
    _forget_engines()
    os.environ["DATABASE_URL"] = url
    settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def database_url(new_database) -> str:
    """The address of this test process's own database; the product's settings point at it."""
    os.environ["DATABASE_URL"] = new_database()
    settings.cache_clear()
    return os.environ["DATABASE_URL"]


@contextmanager
def another_database(new_database: Callable[[], str]) -> Iterator[str]:
    """While the block runs, the product's settings point at a new database. What looks at every
    organisation finds only those of the block there, instead of a thousand of other tests.
    """
    before = os.environ["DATABASE_URL"]
    use_database(new_database())
    yield os.environ["DATABASE_URL"]
    use_database(before)


@pytest.fixture
def quiet_database(new_database, database_url) -> Iterator[str]:
    """A database of this test alone; its address."""
    with another_database(new_database) as url:
        yield url
