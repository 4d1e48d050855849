"""``make run``: prepares database, migrations and demo, then runs screens, receiver and jobs as
child processes until Ctrl-C, restarting those that die.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.migrations.upgrade import ensure_embedded_ready, ensure_local_key, migrate
from core.operations.demo import ensure_demo
from core.operations.startup_checks import check_start
from core.platform import log
from core.platform.database import APP_ROLE, WORKER_ROLE, embedded, role_url
from core.platform.errors import SalesOpsError
from core.platform.settings import settings

STOP_AFTER_S = 8
LONGEST_PAUSE_S = 30
DATABASE_LOOK_S = 2
LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class Child:
    """One process of the product."""

    name: str
    command: Sequence[str]


def children() -> list[Child]:
    """Screens, receiver, and worker with clock."""
    python = sys.executable
    # Without an address of its own, Streamlit asks a server on the internet for this machine's.
    address = ["--browser.serverAddress", urlsplit(settings().public_url).hostname or "localhost"]
    screens = [
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.port",
        str(settings().ui_port),
        *address,
    ]
    return [
        Child("screens", [python, *screens]),
        Child("receiver", [python, "-m", "webhooks"]),
        Child("jobs", [python, "-m", "jobs", "all"]),
    ]


def prepare() -> None:
    """Prepare what the first child needs. Raises Misconfigured."""
    ensure_local_key()
    check_start()
    for port, name in ((settings().ui_port, "UI_PORT"), (settings().webhook_port, "WEBHOOK_PORT")):
        if _taken(port):
            raise SystemExit(
                f"Port {port} is taken by another program. Stop it, or set {name} to another port."
            )
    if settings().database_url is None:
        ensure_embedded_ready()
        _say(f"PostgreSQL runs in {embedded().home}")
    migrate()


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def environment() -> dict[str, str]:
    """The children's environment: the addresses of the application's roles, never the owner's."""
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    for name, role in (("DATABASE_APP_URL", APP_ROLE), ("DATABASE_WORKER_URL", WORKER_ROLE)):
        env[name] = (
            role_url(role).set(drivername="postgresql").render_as_string(hide_password=False)
        )
    return env | {"PYTHONUNBUFFERED": "1"}


class Supervisor:
    """Starts the children, restarts one that died after a growing pause, and stops all of them
    together.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        self.stopping = asyncio.Event()
        self.running: dict[str, asyncio.subprocess.Process] = {}

    async def run(self, wanted: Sequence[Child]) -> None:
        """Run the children until SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        for sent in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sent, self.stopping.set)
        keepers = [asyncio.create_task(self._keep(child)) for child in wanted]
        if settings().database_url is None:
            keepers.append(asyncio.create_task(self._keep_database()))
        await self.stopping.wait()
        await self._stop_all()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    async def _keep(self, child: Child) -> None:
        pause = 1.0
        while not self.stopping.is_set():
            process = await asyncio.create_subprocess_exec(
                *child.command,
                env=self.env,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                limit=LONGEST_LINE,
            )
            self.running[child.name], started = process, asyncio.get_running_loop().time()
            await self._relay(child.name, process)
            code = await process.wait()
            if self.stopping.is_set():
                return
            if asyncio.get_running_loop().time() - started > LONGEST_PAUSE_S:
                pause = 1.0
            _say(f"{child.name} ended with {code}; starting it again in {pause:.0f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _relay(self, name: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            print(f"{name:>8} | {line.decode(errors='replace').rstrip()}", flush=True)

    async def _keep_database(self) -> None:
        """Start the embedded server again whenever it has died."""
        while not self.stopping.is_set():
            await asyncio.sleep(DATABASE_LOOK_S)
            if await asyncio.to_thread(embedded().revive):
                _say("PostgreSQL was down; it runs again")

    async def _stop_all(self) -> None:
        _say("stopping")
        for process in self.running.values():
            _signal(process, signal.SIGTERM)
        ended = asyncio.gather(*(process.wait() for process in self.running.values()))
        try:
            await asyncio.wait_for(ended, STOP_AFTER_S)
        except TimeoutError:
            for process in self.running.values():
                _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, sent: signal.Signals) -> None:
    """Send the signal to the child's whole process group, so that nothing it started is left
    behind.
    """
    if process.returncode is None:
        os.killpg(process.pid, sent)


def _say(text: str) -> None:
    print(f"{'run':>8} | {text}", flush=True)


def main() -> None:
    """Prepare, print the addresses, and supervise."""
    if sys.platform == "win32":
        sys.exit(
            "On Windows use WSL, or run the processes by hand with DATABASE_URL set to a PostgreSQL"
            " server."
        )
    log.configure(settings().log_level)
    try:
        prepare()
        sign_ins = ensure_demo()
    except SalesOpsError as error:
        sys.exit(error.message)
    _say(f"screens   http://localhost:{settings().ui_port}")
    _say(f"webhooks  http://localhost:{settings().webhook_port}")
    for role, (email, password) in sign_ins.items():
        _say(f"sign in as {role:<12} {email:<32} {password}")
    asyncio.run(Supervisor(environment()).run(children()))
    if settings().database_url is None:
        embedded().stop()


if __name__ == "__main__":
    main()
