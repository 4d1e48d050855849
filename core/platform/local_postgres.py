"""An embedded PostgreSQL for newcomers, demos and tests: no server to install (POSIX).

Several processes attach to one data folder; each holds a shared lock that the kernel drops even on
kill -9, and the last one to leave stops the server. For a real deployment set DATABASE_URL instead.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import psycopg

from core.platform.errors import Misconfigured
from core.platform.files import replace_file
from core.platform.postgres_programs import (
    copy_of_programs,
    find_bin,
    reachable,
    reachable_folder,
    version_of,
)
from core.platform.settings import settings

if sys.platform != "win32":
    import fcntl
    import pwd

START_TIMEOUT_S = 60
ATTEMPT_S = 5
LOOK_EVERY_S = 0.2
END_OF_LOG = 1500
NOT_ON_WINDOWS = "On Windows use WSL, or set DATABASE_URL to a PostgreSQL server."
FIRST_MAJOR_WITH_BUILTIN_LOCALE = 17


def _command_line(pid: int) -> str | None:
    """What the process runs; empty when it has ended, None where that cannot be found out."""
    if Path("/proc/self").exists():
        try:
            return Path("/proc", str(pid), "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return ""
    with contextlib.suppress(FileNotFoundError):
        listing = ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)]
        return subprocess.run(listing, capture_output=True, text=True, check=False).stdout
    return None


class NotStarted(Misconfigured):
    """The server does not run, or not yet; ``is_passing`` when that mends itself by waiting."""

    def __init__(self, message: str, *, is_passing: bool) -> None:
        super().__init__(message)
        self.is_passing = is_passing


class LocalPostgres:
    """One embedded server on one data folder. ``start`` attaches to it and starts it if needed;
    ``stop`` detaches.
    """

    def __init__(self, home: Path | str, options: dict[str, Any] | None = None) -> None:
        if sys.platform == "win32":
            raise Misconfigured(NOT_ON_WINDOWS)
        self.home = reachable_folder(Path(home).absolute())
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.endpoint = self.home / "endpoint.json"
        self._process_file = self.data / "postmaster.pid"
        self.options = options or {}
        self.bin = find_bin()
        self._lease: IO[str] | None = None
        self._account: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self._become_somebody_else()

    def _become_somebody_else(self) -> None:
        account = None
        for name in filter(None, (os.environ.get("LOCALPG_USER"), "postgres", "nobody")):
            with contextlib.suppress(KeyError):
                account = pwd.getpwnam(name)
                break
        if account is None:
            raise Misconfigured(
                "PostgreSQL cannot run as root and no account “postgres” or “nobody” exists; set"
                " LOCALPG_USER."
            )
        self._account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        if not reachable(self.bin):
            self.bin = copy_of_programs(self.bin, self.home)

    def _run(self, tool: str, *args: object, **options: Any) -> None:
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        command = [str(self.bin / tool), *map(str, args)]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            env=env,
            **self._account,
            **options,
        )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with open(self.home / ".mutex", "w") as mutex:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            yield

    def url(self, database: str = "postgres") -> str:
        """The superuser's address of ``database``; for migrations only."""
        at = json.loads(self.endpoint.read_text())
        return f"postgresql://postgres:{at['password']}@127.0.0.1:{at['port']}/{database}"

    def start(self) -> LocalPostgres:
        """Create the data folder if there is none, start the server if it is not running, and
        attach to it.
        """
        with self._alone():
            if not (self.data / "PG_VERSION").exists():
                self._make()
            self._check_major()
            if not self._up():
                self._start_in_time()
            self._lease = open(self.home / ".leases", "a")  # noqa: SIM115 - held until stop
            fcntl.flock(self._lease, fcntl.LOCK_SH)
        return self

    def revive(self) -> bool:
        """Start the server again at its old address if it has died while we were attached. Returns
        whether it had.

        Raises NotStarted after one attempt of some seconds, for instance when the server is killed
        again while it recovers; the next attempt goes on from there.
        """
        with self._alone():
            if self._up():
                return False
            self._start_once(self._port())
            return True

    def stop(self) -> bool:
        """Detach from the server. Returns True when that stopped it, and False while other
        processes use it.
        """
        if self._lease is None:
            return False
        with self._alone():
            try:
                fcntl.flock(self._lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
                return True
            except subprocess.CalledProcessError:
                if self._runs() is not False:
                    raise
                return True
            except BlockingIOError:
                return False
            finally:
                self._lease.close()
                self._lease = None

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _up(self) -> bool:
        """Whether the server takes connections. Only one to *this* data folder proves it: another
        server may have taken the port of a dead one.
        """
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                row = connection.execute("show data_directory").fetchone()
                return row is not None and Path(row[0]) == self.data
        except (psycopg.Error, FileNotFoundError):
            return False

    def _runs(self) -> bool | None:
        """Whether the server's main process is alive, even if it takes no connections yet; None
        where that cannot be found out.

        The id in its file may be that of a killed process that nobody has reaped, or have passed to
        another program. After a full disk there may be no id in it.
        """
        try:
            pid = int(self._process_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return False
        command = _command_line(pid)
        return None if command is None else str(self.data) in command

    def _port(self) -> int:
        return int(json.loads(self.endpoint.read_text())["port"])

    def _check_major(self) -> None:
        made_by, ours = (
            (self.data / "PG_VERSION").read_text().strip(),
            version_of(self.bin).split(".")[0],
        )
        if made_by != ours:
            raise Misconfigured(
                f"The data in {self.data} was made by PostgreSQL {made_by}, the installed programs"
                f" are {ours}. Restore a backup into a new DATA_DIR, or set LOCALPG_BIN to the"
                " older programs."
            )

    def _make(self) -> None:
        """Create the data folder. It gets its name when it is whole and its password is known, so
        that a first start that was interrupted is simply begun again.
        """
        password = secrets.token_urlsafe(24)
        # Never plain "C": lower() and ILIKE would ignore æøåéü. PostgreSQL 17 and later have a
        # Unicode provider built in.
        locale = ["--locale", "C.UTF-8"]
        if int(version_of(self.bin).split(".")[0]) >= FIRST_MAJOR_WITH_BUILTIN_LOCALE:
            locale = [
                "--locale",
                "C",
                "--locale-provider",
                "builtin",
                "--builtin-locale",
                "C.UTF-8",
            ]
        unfinished = self.data.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        reader, writer = os.pipe()
        os.write(writer, password.encode() + b"\n")
        os.close(writer)
        if self._account:
            for what in (unfinished, reader):
                os.chown(what, self._account["user"], self._account["group"])
        try:
            self._run(
                "initdb",
                "-D",
                unfinished,
                "-U",
                "postgres",
                "-A",
                "scram-sha-256",
                "--pwfile",
                f"/dev/fd/{reader}",
                "-E",
                "UTF8",
                *locale,
                pass_fds=(reader,),
            )
        finally:
            os.close(reader)
        replace_file(self.endpoint, json.dumps({"password": password, "port": 0}))
        unfinished.rename(self.data)

    def _start_in_time(self) -> None:
        """Start the server, with patience for one that recovers and for what a killed one has left.
        Raises NotStarted.
        """
        port = self._port() if self._runs() else _free_port()
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._start_once(port)
                return
            except NotStarted as error:
                if not error.is_passing or time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_EVERY_S)

    def _start_once(self, port: int) -> None:
        """Start the server, or wait for one that runs already. Raises NotStarted."""
        if self._runs():
            self._wait_until_up()
            return
        if self._runs() is False:
            self._process_file.unlink(missing_ok=True)
        if port != self._port():
            known = json.loads(self.endpoint.read_text())
            replace_file(self.endpoint, json.dumps({**known, "port": port}))
        wanted = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "timezone": "UTC",
            # Until a table was analysed, what reads it is planned blindly: by default a minute.
            "autovacuum_naptime": "10s",
        } | self.options
        self.log.touch()
        if self._account:
            os.chown(self.log, self._account["user"], self._account["group"])
        options = " ".join(f"-c {name}='{value}'" for name, value in wanted.items())
        start = ["-D", self.data, "-w", "-t", ATTEMPT_S, "-l", self.log, "-o", options, "start"]
        try:
            self._run("pg_ctl", *start)
        except subprocess.CalledProcessError as error:
            raise self._not_started(error.stderr) from error

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + ATTEMPT_S
        while not self._up():
            if time.monotonic() > deadline:
                raise self._not_started("It runs, but takes no connections yet.")
            time.sleep(LOOK_EVERY_S)

    def _not_started(self, why: str) -> NotStarted:
        """Processes of a killed server hold its memory until they notice, so that the next one ends
        at once; a recovery may take longer than an attempt.
        """
        log = self._end_of_log()
        return NotStarted(
            f"The embedded PostgreSQL did not start: {why}\n{log}",
            is_passing=bool(self._runs()) or "still in use" in log or "already exists" in log,
        )

    def _end_of_log(self) -> str:
        try:
            with open(self.log, "rb") as file:
                file.seek(max(0, self.log.stat().st_size - END_OF_LOG))
                return file.read().decode(errors="replace")
        except OSError:
            return ""


@lru_cache
def embedded() -> LocalPostgres:
    """The embedded server, which this process uses until it ends. The last process to leave stops
    it.
    """
    postgres = LocalPostgres(settings().data_dir / "postgres").start()
    atexit.register(postgres.stop)
    return postgres


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
