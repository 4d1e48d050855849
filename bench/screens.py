"""The dashboard beside a page with as many elements that Streamlit draws without asking a database
(``bench/bare_screen.py``): the processor's time of a click, and how long people wait when many
look at once.

Each side is a server of its own, and they are measured in turns. Who looks clicks every five
seconds, which is more than people do.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.data import ADMIN, MEASURED, filled
from bench.receiver import Row
from core.platform.database import APP_ROLE, role_url
from core.tenancy.access.sessions import choose_organization
from core.tenancy.identity.sign_in import issue_ticket, open_session

ROOT = Path(__file__).parents[1]
EVENTS, ORGANIZATIONS = 200_000, 5
PAGE = "dashboard?period=Custom&from=2025-11-01&to=2025-11-30"
ROUNDS, CLICKING_S, WATCHING_S, EVERY_S = 3, 6.0, 20.0, 5.0
ONE, MANY = 1, 100
MAX_CPU, MAX_WAIT = 1.5, 2.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Screen:
    """A page of a running server."""

    process: int
    port: int
    page: str
    token: str

    def watched(self, viewers: int, seconds: float, every_s: float) -> Watched:
        """How it fares when so many look at it, see ``bench.viewers``."""
        asked = (self.port, self.page, viewers, seconds, every_s, self.token)
        command = [sys.executable, "-m", "bench.viewers", *map(str, asked)]
        before = _cpu_s(self.process)
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - our own program
        found = json.loads(done.stdout)
        used = _cpu_s(self.process) - before
        return Watched(used * 1000 / found["drawn"], found["p95_ms"])


@dataclass(frozen=True)
class Watched:
    """The processor's time for one drawing, and the 95th percentile of the time to wait for it."""

    cpu_ms: float
    p95_ms: float


def run() -> Iterator[Row]:
    """One who clicks without a pause, and many who look."""
    with filled(events=EVENTS, organizations=ORGANIZATIONS):
        app = role_url(APP_ROLE).set(drivername="postgresql")
        env = os.environ | {"DATABASE_APP_URL": app.render_as_string(hide_password=False)}
        with (
            _served("app.py", env, PAGE, _token()) as ours,
            _served("bench/bare_screen.py", env, "", "") as bare,
        ):
            yield _cpu(ours, bare)
            yield _wait(ours, bare)


def _cpu(ours: Screen, bare: Screen) -> Row:
    rounds = [
        [side.watched(ONE, CLICKING_S, 0).cpu_ms for side in (ours, bare)] for _ in range(ROUNDS)
    ]
    return _row("the dashboard's click, processor", rounds, MAX_CPU)


def _wait(ours: Screen, bare: Screen) -> Row:
    rounds = [[side.watched(MANY, WATCHING_S, EVERY_S).p95_ms for side in (ours, bare)]]
    return _row(f"{MANY} look at the dashboard, 95th perc.", rounds, MAX_WAIT)


def _row(name: str, rounds: Sequence[Sequence[float]], most: float) -> Row:
    ours, bare = (statistics.median(each[side] for each in rounds) for side in (0, 1))
    ratio = statistics.median(mine / beside for mine, beside in rounds)
    return Row(name, f"{ours:.0f} ms", f"{bare:.0f} ms", ratio, f"≤ {most}", ratio <= most)


def _token() -> str:
    token = open_session(issue_ticket(ADMIN), address="bench", user_agent="bench") or ""
    choose_organization(token, MEASURED)
    return token


@contextmanager
def _served(script: str, env: dict[str, str], page: str, token: str) -> Iterator[Screen]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    asked = ("--server.port", str(port), "--browser.serverAddress", "localhost")
    command = [sys.executable, "-m", "streamlit", "run", script, *asked]
    env = env | {"PUBLIC_URL": f"http://localhost:{port}", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
    try:
        _ready(port)
        yield Screen(process.pid, port, page, token)
    finally:
        process.terminate()
        process.wait(20)


def _ready(port: int) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"http://localhost:{port}/_stcore/health").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit("The screens did not start.")


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
