"""One real Postgres for the whole run, one migrated template, one clone per test process."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".data" / "tests"
MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

os.environ["ENCRYPTION_MASTER_KEY"] = MASTER_KEY
os.environ.setdefault("DATA_DIR", str(CACHE))

from core.migrations.upgrade import migrate  # noqa: E402
from core.platform import database  # noqa: E402
from core.platform.local_postgres import LocalPostgres  # noqa: E402
from core.platform.settings import settings  # noqa: E402

# Tests that share a running product go to one worker. pytest 9.2 does not let xdist mark its groups
# in a test's name.
TOGETHER = ("tests/browser/", "tests/operations/test_supervisor.py")
LONGEST = "tests/webhooks/test_kill.py"
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": 300,
}


class Together(LoadScopeScheduling):
    """Each test goes to whichever worker is free, those of ``TOGETHER`` to one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest one first, so that nobody waits for it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


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
        *ROOT.glob("core/**/models.py"),
        *ROOT.glob("core/platform/security/**/*"),
        *ROOT.glob("core/migrations/**/*.py"),
        ROOT / "core/platform/schema.py",
    ]
    for path in sorted(
        path for path in shaping if path.is_file() and path.suffix in {".py", ".sql"}
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def new_database(server: str) -> Iterator[object]:
    """A function that makes one more migrated database and gives its owner's address."""
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
    """Migrate the database at ``url``, then leave the process's settings as they were."""
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


@pytest.fixture(scope="session", autouse=True)
def database_url(new_database) -> str:
    """The address of this test process's own database; the product's settings point at it."""
    os.environ["DATABASE_URL"] = new_database()
    settings.cache_clear()
    return os.environ["DATABASE_URL"]
