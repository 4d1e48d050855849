"""``make run``: prepares database, migrations and demo, then runs screens, receiver and jobs as
child processes until Ctrl-C, restarting those that die.

It imports little, because it runs for as long as the product: what is large is in
``core.operations.preparation``, a process that ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.operations.keepers import LONGEST_PAUSE_S, Child, ChildKeeper, DatabaseKeeper, say
from core.platform.errors import SalesOpsError
from core.platform.local_postgres import embedded
from core.platform.settings import on_this_machine, settings

STOP_AFTER_S = 8
PREPARATION = (sys.executable, "-m", "core.operations.preparation")


@dataclass(frozen=True)
class Prepared:
    """The addresses of the database by setting, for the roles of the children, and the demo's
    sign-ins by role.
    """

    addresses: dict[str, str]
    sign_ins: dict[str, tuple[str, str]]


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


def refuse_taken_ports() -> None:
    """Exits with a sentence when another program has a port of the product."""
    for port, name in ((settings().ui_port, "UI_PORT"), (settings().webhook_port, "WEBHOOK_PORT")):
        if _taken(port):
            raise SystemExit(
                f"Port {port} is taken by another program. Stop it, or set {name} to another port."
            )


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


async def prepared(stopping: asyncio.Event) -> Prepared | None:
    """What the preparation found, once it has succeeded; None when Ctrl-C came first. It is tried
    again while the database is away; exits when something else is wrong.
    """
    stopped = asyncio.create_task(stopping.wait())
    while not stopping.is_set():
        process = await asyncio.create_subprocess_exec(
            *PREPARATION, stdout=asyncio.subprocess.PIPE, start_new_session=True
        )
        printed = asyncio.create_task(process.communicate())
        await asyncio.wait({printed, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not printed.done():
            process.terminate()
        output, _ = await printed
        if process.returncode == 0:
            return Prepared(**json.loads(output))
        if process.returncode != os.EX_TEMPFAIL and not stopping.is_set():
            sys.exit(process.returncode)
        await asyncio.wait({stopped}, timeout=LONGEST_PAUSE_S)
    return None


def environment(addresses: dict[str, str]) -> dict[str, str]:
    """The children's environment: the addresses of the application's roles, never the owner's."""
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return inherited | addresses | {"PYTHONUNBUFFERED": "1"}


async def supervise(addresses: dict[str, str], stopping: asyncio.Event) -> None:
    """Keep the database and the children running until ``stopping`` is set; then stop the children
    together.
    """
    if settings().database_url is None:
        database = DatabaseKeeper(embedded().url(), embedded().revive)
    else:
        database = DatabaseKeeper(addresses["DATABASE_APP_URL"], None)
    keepers = [ChildKeeper(child, environment(addresses), database) for child in children()]
    watching = asyncio.create_task(database.keep())
    running = [asyncio.create_task(keeper.keep()) for keeper in keepers]
    await stopping.wait()
    say("stopping")
    for keeper in keepers:
        keeper.stop()
    database.end_pauses()
    await asyncio.wait(running, timeout=STOP_AFTER_S)
    for task in (*running, watching):
        task.cancel()
    await asyncio.gather(*running, watching, return_exceptions=True)


async def run() -> None:
    """Prepare, print the addresses, and supervise. Raises SalesOpsError."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for sent in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sent, stopping.set)
    refuse_taken_ports()
    if settings().database_url is None:
        say(f"PostgreSQL runs in {embedded().home}")
    found = await prepared(stopping)
    if found is None:
        return
    say(f"screens   {on_this_machine(settings().ui_port)}")
    say(f"webhooks  {on_this_machine(settings().webhook_port)}")
    for role, (email, password) in found.sign_ins.items():
        say(f"sign in as {role:<12} {email:<32} {password}")
    await supervise(found.addresses, stopping)


def main() -> None:
    """Run until Ctrl-C. The embedded database stops with the process."""
    if sys.platform == "win32":
        sys.exit(
            "On Windows use WSL, or run the processes by hand with DATABASE_URL set to a PostgreSQL"
            " server."
        )
    try:
        asyncio.run(run())
    except SalesOpsError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
