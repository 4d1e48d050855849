"""One command keeps every process alive until Ctrl-C, and then leaves none behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.books import guard_books
from tests.ports import free_port, until
from tests.supervised import ROOT, Supervised, supervised

BACK_WITHIN_S = 2
SMALL_MB = 64


@pytest.fixture(scope="module")
def running(database_url, tmp_path_factory) -> Iterator[Supervised]:
    with supervised(tmp_path_factory.mktemp("supervisor") / "said") as product:
        until(product.is_whole)
        yield product
    guard_books(database_url)  # the supervisor migrated, and took out what is not declared


def test_the_children_are_not_told_the_owners_address(running) -> None:
    for pid in running.children().values():
        environment = Path("/proc", str(pid), "environ").read_bytes().split(b"\0")
        assert not any(entry.startswith(b"DATABASE_URL=") for entry in environment)


def test_the_supervisor_carries_little_of_the_product(running) -> None:
    """Preparing a start needs nearly all of it, and is done by a process that ends."""
    listed = subprocess.check_output(["ps", "-o", "rss=", "-p", str(running.process.pid)])
    assert int(listed) / 1024 < SMALL_MB


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


@pytest.mark.parametrize("name", ["screens", "receiver", "jobs"])
def test_a_killed_child_runs_again_within_two_seconds_however_often(running, name) -> None:
    for _ in range(3):
        killed = running.children()[name]
        os.kill(killed, signal.SIGKILL)
        since = time.monotonic()
        until(lambda killed=killed: running.children().get(name) not in (None, killed))
        assert time.monotonic() - since < BACK_WITHIN_S


def test_all_children_come_back_and_ctrl_c_leaves_nothing_behind(running) -> None:
    before = running.children()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    until(running.is_whole)
    after = running.children()
    assert not set(after.values()) & set(before.values())

    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(timeout=30) == 0
    assert not any(Path("/proc", str(pid)).exists() for pid in after.values())
    assert not running.answers(running.receiver)
    assert "Traceback" not in running.said.read_text()
