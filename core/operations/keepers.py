"""Keepers: what brings the database and the product's processes back, for as long as the supervisor
runs. A keeper never ends by itself, whatever goes wrong: it waits and tries again.

Only what the supervisor carries all the time is imported here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from core.platform.outage import Outage

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
SETTLED_S = 10.0
FROM_OUTSIDE = {"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"}
LOOK_EVERY_S = 0.5
ANSWER_S = 5
LONGEST_LINE = 1 << 20
LAST_WORDS_S = 1.0


def say(text: str, name: str = "run") -> None:
    """Print one line. Where nobody reads or the disk is full, the line is lost and nothing else."""
    with contextlib.suppress(OSError, ValueError):
        print(f"{name:>8} | {text}", flush=True)


def longer(pause_s: float) -> float:
    """The pause after ``pause_s`` was not long enough."""
    return min(max(2 * pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)


def pause_after(ended: int, lived_s: float, pause_s: float) -> float:
    """How long to wait before a process that ended is started again; ``pause_s`` is the pause
    before it.

    Only one that fails by itself right after its start waits longer and longer.
    """
    if lived_s >= SETTLED_S:
        return 0.0
    return FIRST_PAUSE_S if _signal_of(ended) in FROM_OUTSIDE else longer(pause_s)


class DatabaseKeeper:
    """Watches the database over a connection of its own, and revives it where that is ours to
    do.
    """

    def __init__(self, address: str, revive: Callable[[], object] | None) -> None:
        self._address, self._revive = address, revive
        self._outage = Outage(_write)
        self._returned = asyncio.Event()

    async def keep(self) -> None:
        """Never ends."""
        pause_s = 0.0
        while True:
            try:
                await self._watch()
            except Exception as error:
                self._outage.noticed(error)
            try:
                if self._revive is not None:
                    await asyncio.to_thread(self._revive)
                pause_s = FIRST_PAUSE_S
            except Exception as error:
                self._outage.noticed(error)
                pause_s = longer(pause_s)
            await asyncio.sleep(pause_s)

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the database returns."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._returned.wait(), seconds)

    async def _watch(self) -> None:
        """Ends with the error by which the database is found away."""
        async with asyncio.timeout(ANSWER_S):
            connection = await psycopg.AsyncConnection.connect(self._address, autocommit=True)
        async with connection:
            self._is_back()
            while True:
                async with asyncio.timeout(ANSWER_S):
                    await connection.execute("select 1")
                await asyncio.sleep(LOOK_EVERY_S)

    def _is_back(self) -> None:
        self._outage.over()
        self.end_pauses()

    def end_pauses(self) -> None:
        """End all pauses now."""
        self._returned.set()
        self._returned = asyncio.Event()


def _write(event: str, /, **facts: object) -> None:
    say(" ".join([event, *(f"{name}={value}" for name, value in facts.items())]))


@dataclass(frozen=True)
class Child:
    """One process of the product."""

    name: str
    command: Sequence[str]


class ChildKeeper:
    """Runs a child, relays what it writes, and starts it again whenever it has ended."""

    def __init__(self, child: Child, env: Mapping[str, str], database: DatabaseKeeper) -> None:
        self._child, self._env, self._database = child, dict(env), database
        self._process: asyncio.subprocess.Process | None = None
        self._is_stopping = False

    async def keep(self) -> None:
        """Ends after ``stop`` only."""
        pause_s = 0.0
        while not self._is_stopping:
            started = time.monotonic()
            try:
                ended = await self._run()
                how = _how(ended)
            except Exception as error:  # for instance when there is no memory for a new process
                ended, how = 1, f"could not be run: {error}"
            if self._is_stopping:
                return
            pause_s = pause_after(ended, time.monotonic() - started, pause_s)
            say(f"{self._child.name} {how}; starting it again" + _in(pause_s))
            await self._database.pause(pause_s)

    async def _run(self) -> int:
        """Run the child once, to its end. Returns how it ended, as ``returncode`` says it."""
        # Not a pipe of asyncio's: the child's end must not wait for what the child has started
        # and what still holds the pipe.
        reader, writer = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._child.command,
                env=self._env,
                stdout=writer,
                stderr=writer,
                start_new_session=True,
            )
        finally:
            os.close(writer)
            relay = asyncio.create_task(self._relay(reader))
        try:
            return await self._process.wait()
        finally:
            self._signal(signal.SIGKILL)  # to what it has started and left behind
            await asyncio.wait({relay}, timeout=LAST_WORDS_S)
            relay.cancel()

    async def _relay(self, reader: int) -> None:
        stream = asyncio.StreamReader(limit=LONGEST_LINE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reader, "rb")
        )
        with contextlib.closing(transport):
            while not stream.at_eof():
                try:
                    line = await stream.readline()
                except ValueError:
                    line = b"(a line of more than a megabyte is left out)"
                if text := line.decode(errors="replace").rstrip():
                    say(text, self._child.name)

    def stop(self) -> None:
        """Ask the child to end, for good."""
        self._is_stopping = True
        if self._process is not None and self._process.returncode is None:
            self._signal(signal.SIGTERM)

    def _signal(self, sent: signal.Signals) -> None:
        """To the child's whole process group, so that nothing that it started is left behind."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, sent)


def _signal_of(ended: int) -> str | None:
    return signal.Signals(-ended).name if ended < 0 else None


def _how(ended: int) -> str:
    sent = _signal_of(ended)
    return f"was ended by {sent}" if sent else f"ended with {ended}"


def _in(pause_s: float) -> str:
    return f" in {pause_s:g} s" if pause_s else ""
