"""The embedded server: several processes share it, the last one stops it, and a killed one comes
back with its rows.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.platform.local_postgres import LocalPostgres
from core.platform.postgres_programs import reachable_folder
from tests.ports import until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path) -> Iterator[Path]:
    place = reachable_folder(tmp_path / "postgres")
    yield place
    leftover = LocalPostgres(place)
    leftover.start()
    leftover.stop()


def alive(postgres: LocalPostgres) -> bool:
    try:
        with psycopg.connect(postgres.url(), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def postmaster(postgres: LocalPostgres) -> int:
    return int((postgres.data / "postmaster.pid").read_text().split()[0])


def test_the_last_one_to_leave_stops_the_server(home) -> None:
    first, second = LocalPostgres(home).start(), LocalPostgres(home).start()
    assert not first.stop()
    assert alive(second)
    assert second.stop()
    assert not alive(second)


def test_a_killed_server_comes_back_at_its_address_with_its_rows(home) -> None:
    with LocalPostgres(home) as postgres:
        address = postgres.url()
        with psycopg.connect(address, autocommit=True) as db:
            db.execute("create table kept as select 7 as number")
        os.kill(postmaster(postgres), signal.SIGKILL)
        assert postgres.revive()
        assert not postgres.revive()
        with psycopg.connect(address) as db:
            assert db.execute("select number from kept").fetchone() == (7,)


def test_a_stale_process_file_of_a_dead_server_does_not_stop_the_next_start(home) -> None:
    postgres = LocalPostgres(home).start()
    os.kill(postmaster(postgres), signal.SIGKILL)
    with LocalPostgres(home) as again:
        assert alive(again)
    postgres.stop()


@pytest.mark.parametrize("left", ["nothing", "another program"])
def test_what_a_crash_left_in_the_process_file_does_not_stop_the_next_start(home, left) -> None:
    """After a full disk the file is empty; after a restart of the machine, the process id in it may
    be another program's, here one of the same account.
    """
    postgres = LocalPostgres(home).start()
    file = postgres.data / "postmaster.pid"
    written = file.read_text()
    assert postgres.stop()
    account = file.parent.stat().st_uid
    other = subprocess.Popen(["sleep", "60"], user=account)
    known = written.replace(written.split()[0], str(other.pid), 1)
    file.write_text(known if left == "another program" else "")
    os.chown(file, account, -1)
    try:
        with LocalPostgres(home) as again:
            assert alive(again)
    finally:
        other.kill()
        other.wait()


def test_a_server_that_died_unseen_is_left_without_a_complaint(home) -> None:
    postgres = LocalPostgres(home).start()
    os.kill(postmaster(postgres), signal.SIGKILL)
    assert postgres.stop()


def test_only_its_owner_can_read_the_password_and_the_data(home) -> None:
    with LocalPostgres(home) as postgres:
        assert stat.S_IMODE(postgres.endpoint.stat().st_mode) == 0o600
        assert stat.S_IMODE(postgres.data.stat().st_mode) & 0o077 == 0


def test_a_first_start_that_was_interrupted_is_begun_again(home) -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; from core.platform.local_postgres import LocalPostgres;"
        " LocalPostgres(sys.argv[1]).start()",
        str(home),
    ]
    interrupted = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    until(lambda: list(home.glob("data*/PG_VERSION")), every_s=0.001)
    os.killpg(interrupted.pid, signal.SIGKILL)
    interrupted.wait()
    with LocalPostgres(home) as again:
        assert alive(again)


def test_a_full_disk_at_a_start_leaves_the_password(home) -> None:
    with LocalPostgres(home) as postgres:
        known = json.loads(postgres.endpoint.read_text())["password"]
    limited = (
        "import resource, sys; from pathlib import Path;"
        " from core.platform.local_postgres import LocalPostgres;"
        " resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5));"
        " LocalPostgres(Path(sys.argv[1])).start()"
    )
    command = [sys.executable, "-c", limited, str(home)]
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert failed.returncode != 0
    with LocalPostgres(home) as again:
        assert alive(again)
        assert json.loads(again.endpoint.read_text())["password"] == known


def test_names_with_accents_are_folded(home) -> None:
    """A server created with the plain C locale would not find these."""
    with LocalPostgres(home) as postgres, psycopg.connect(postgres.url()) as db:
        assert db.execute("select lower('ÆØÅÉ'), 'Høj' ilike 'HØJ'").fetchone() == ("æøåé", True)


@pytest.mark.skipif(
    os.geteuid() != 0,
    reason="only root needs another account for the server, and a place that it can reach",
)
def test_below_a_private_folder_the_data_goes_where_the_servers_account_can_reach_it(
    tmp_path,
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    place = reachable_folder(private / "data")
    assert place.parts[:4] == ("/", "var", "lib", "salesops")
    assert reachable_folder(private / "data") == place
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    place.rmdir()


@pytest.mark.parametrize(
    "start", ["core.operations.supervisor.main()", "core.platform.database.embedded()"]
)
def test_windows_is_told_what_to_use_instead(start) -> None:
    """Windows has neither of these modules."""
    others = (
        "import alembic.command, asyncio, psycopg, psycopg_pool, pydantic_settings, sqlalchemy.orm,"
        " structlog, sys, tempfile"
    )
    pretend = f"{others}; sys.modules['fcntl'] = sys.modules['pwd'] = None; sys.platform = 'win32'"
    program = f"{pretend}; import core.operations.supervisor, core.platform.database; {start}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "On Windows use WSL" in done.stderr
