"""One command keeps every process alive until Ctrl-C, and then leaves none behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.books import guard_books
from tests.ports import free_port, until

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Running:
    """A supervisor with its children; its output goes to the file ``said``."""

    process: subprocess.Popen
    screens: int
    receiver: int
    said: Path

    def children(self) -> dict[str, int]:
        """Process ids by name, as the operating system knows them."""
        listed = subprocess.check_output(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], text=True
        )
        names = {"streamlit": "screens", "webhooks": "receiver", "jobs": "jobs"}
        lines = [line.split(None, 1) for line in listed.splitlines()]
        return {
            name: int(pid)
            for pid, command in lines
            for word, name in names.items()
            if f"-m {word}" in command
        }

    def answers(self, port: int) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def running(database_url, tmp_path_factory) -> Iterator[Running]:
    screens, receiver, said = (
        free_port(),
        free_port(),
        tmp_path_factory.mktemp("supervisor") / "said",
    )
    env = os.environ | {
        "UI_PORT": str(screens),
        "WEBHOOK_PORT": str(receiver),
        "DATABASE_URL": database_url,
    }
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.operations.supervisor"],
            cwd=ROOT,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        supervisor = Running(process, screens, receiver, said)
        try:
            until(
                lambda: (
                    supervisor.answers(screens)
                    and supervisor.answers(receiver)
                    and "jobs" in supervisor.children()
                )
            )
            yield supervisor
        finally:
            process.terminate()
            process.wait(timeout=30)
            guard_books(database_url)  # the supervisor migrated, and took out what is not declared


def test_the_children_are_not_told_the_owners_address(running) -> None:
    for pid in running.children().values():
        environment = Path("/proc", str(pid), "environ").read_bytes().split(b"\0")
        assert not any(entry.startswith(b"DATABASE_URL=") for entry in environment)


def test_a_taken_port_is_named_before_anything_starts(running) -> None:
    env = os.environ | {"UI_PORT": str(running.screens), "WEBHOOK_PORT": str(free_port())}
    refused = subprocess.run(
        [sys.executable, "-m", "core.operations.supervisor"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode != 0
    assert f"Port {running.screens} is taken" in refused.stderr
    assert "UI_PORT" in refused.stderr


def test_a_died_child_comes_back_and_ctrl_c_leaves_nothing_behind(running) -> None:
    before = running.children()
    assert set(before) == {"screens", "receiver", "jobs"}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    until(
        lambda: (
            running.answers(running.screens)
            and running.answers(running.receiver)
            and set(running.children()) == set(before)
        )
    )
    after = running.children()
    assert not set(after.values()) & set(before.values())

    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(timeout=30) == 0
    assert not any(Path("/proc", str(pid)).exists() for pid in after.values())
    assert not running.answers(running.receiver)
    assert "Traceback" not in running.said.read_text()
