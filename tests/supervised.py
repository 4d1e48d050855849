"""The whole product under its supervisor, as ``make run`` starts it, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import answers, free_port

ROOT = Path(__file__).parents[1]
NAMES = {"streamlit": "screens", "webhooks": "receiver", "jobs": "jobs"}


@dataclass(frozen=True)
class Supervised:
    """A supervisor with its children; its output goes to the file ``said``."""

    process: subprocess.Popen
    screens: int
    receiver: int
    said: Path

    def children(self) -> dict[str, int]:
        """Process ids by name, as the operating system knows them."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line.split(None, 1) for line in listed.stdout.splitlines()]
        return {
            name: int(pid)
            for pid, command in lines
            for word, name in NAMES.items()
            if f"-m {word}" in command
        }

    def answers(self, port: int) -> bool:
        return answers(f"http://127.0.0.1:{port}/healthz")

    def is_whole(self) -> bool:
        """Whether every process runs, and those with a port answer."""
        return (
            set(self.children()) == set(NAMES.values())
            and self.answers(self.screens)
            and self.answers(self.receiver)
        )

    def lines(self) -> list[tuple[str, str]]:
        """What was written so far: by whom, and what."""
        written = (line.partition(" | ") for line in self.said.read_text().splitlines())
        return [(name.strip(), text) for name, _, text in written]


@contextmanager
def supervised(said: Path) -> Iterator[Supervised]:
    """In the block, the product runs with the environment of this process and ports of its own."""
    ports = {"UI_PORT": free_port(), "WEBHOOK_PORT": free_port()}
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.operations.supervisor"],
            cwd=ROOT,
            env=os.environ | {name: str(port) for name, port in ports.items()},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Supervised(process, *ports.values(), said)
        finally:
            process.terminate()
            process.wait(timeout=30)
