"""What the supervisor keeps alive comes back, whatever goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.operations.keepers import (
    LONGEST_PAUSE_S,
    SETTLED_S,
    Child,
    ChildKeeper,
    DatabaseKeeper,
    pause_after,
)
from core.platform.local_postgres import LocalPostgres, NotStarted
from core.platform.postgres_programs import reachable_folder
from tests.ports import free_port

SOON_S, NEVER_S = 2, 30
ELSEWHERE = f"postgresql://127.0.0.1:{free_port()}/postgres"


@pytest.fixture
def postgres(tmp_path) -> Iterator[LocalPostgres]:
    with LocalPostgres(reachable_folder(tmp_path / "postgres")) as server:
        yield server


def kill(server: LocalPostgres) -> None:
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


async def during(keeper: DatabaseKeeper | ChildKeeper, conversation) -> None:
    """The conversation, while the keeper works."""
    keeping = asyncio.create_task(keeper.keep())
    try:
        async with asyncio.timeout(NEVER_S):
            await conversation
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def printed(capsys, text: str) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if text in line]


@pytest.mark.parametrize("ended", [1, 0, -signal.SIGSEGV])
def test_only_what_fails_by_itself_at_its_start_waits_longer_and_longer(ended) -> None:
    pauses = [0.0]
    for _ in range(10):
        pauses.append(pause_after(ended, 0.1, pauses[-1]))
    assert pauses == sorted(pauses)
    assert 0 < pauses[1] < pauses[-1] == LONGEST_PAUSE_S == 5
    assert pause_after(ended, SETTLED_S, LONGEST_PAUSE_S) == 0
    assert pause_after(-signal.SIGKILL, 0.1, LONGEST_PAUSE_S) < 1


def test_a_pause_ends_when_the_database_returns_and_its_loss_is_one_line(postgres, capsys) -> None:
    keeper = DatabaseKeeper(postgres.url(), postgres.revive)

    async def conversation() -> None:
        await keeper.pause(NEVER_S)  # until it is connected
        kill(postgres)
        await keeper.pause(NEVER_S)

    asyncio.run(during(keeper, conversation()))
    assert len(printed(capsys, "database")) == 1


def test_a_database_that_cannot_be_started_yet_is_tried_again_for_ever(postgres, capsys) -> None:
    failures = [OSError(errno.ENOSPC, "No space left on device"), ValueError("half a file")]

    def revive() -> None:
        if failures:
            raise failures.pop()
        postgres.revive()

    keeper = DatabaseKeeper(postgres.url(), revive)

    async def conversation() -> None:
        await keeper.pause(NEVER_S)
        kill(postgres)
        await keeper.pause(NEVER_S)

    asyncio.run(during(keeper, conversation()))
    assert failures == []
    assert len(printed(capsys, "database")) == 1


def test_a_database_killed_again_while_it_recovers_comes_back(postgres) -> None:
    address = postgres.url()
    kill(postgres)
    for _ in range(3):
        with pytest.raises(NotStarted):
            asyncio.run(killed_while_it_starts(postgres))
    while True:
        try:
            postgres.revive()
            break
        except NotStarted:
            time.sleep(0.1)
    assert postgres.url() == address


async def killed_while_it_starts(postgres: LocalPostgres) -> None:
    reviving = asyncio.create_task(asyncio.to_thread(postgres.revive))
    file = postgres.data / "postmaster.pid"
    before = file.read_text() if file.exists() else ""
    while not reviving.done():
        await asyncio.sleep(0.001)
        if file.exists() and file.read_text() not in (before, ""):
            kill(postgres)
            break
    await reviving


def runs_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("run-*"))


def child(folder: Path, program: str) -> Child:
    """A process that leaves a file for each run."""
    mark = f"import os, sys, time; open({str(folder)!r} + f'/run-{{os.getpid()}}', 'w').close();"
    return Child("child", [sys.executable, "-c", mark + program])


async def runs_again(folder: Path) -> None:
    while len(runs_of(folder)) < 2:
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "program",
    [
        "sys.stdout.write('x' * (3 << 20)); sys.stdout.flush()",
        "os.system('setsid sleep 20 &')",
        "os.system('sleep 20 &')",
        "os.close(1); os.close(2)",
        "sys.stdout.buffer.write(bytes(range(256)))",
    ],
    ids=["endless line", "heir of its pipe", "left behind", "without a pipe", "no text"],
)
def test_whatever_a_child_does_with_its_output_it_is_started_again(tmp_path, program) -> None:
    keeper = ChildKeeper(child(tmp_path, program), os.environ, DatabaseKeeper(ELSEWHERE, None))
    since = time.monotonic()
    asyncio.run(during(keeper, runs_again(tmp_path)))
    assert time.monotonic() - since < 2 * SOON_S


def test_a_child_that_cannot_be_started_yet_is_tried_again(tmp_path) -> None:
    program = tmp_path / "program"
    keeper = ChildKeeper(
        Child("child", [str(program)]), os.environ, DatabaseKeeper(ELSEWHERE, None)
    )

    async def conversation() -> None:
        await asyncio.sleep(1)
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/run-$$\n")
        program.chmod(0o755)
        await runs_again(tmp_path)

    asyncio.run(during(keeper, conversation()))
