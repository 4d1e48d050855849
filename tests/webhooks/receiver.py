"""A receiver in a process of its own."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from tests.ports import answers, free_port, until

ROOT = Path(__file__).parents[2]


@contextmanager
def receiver():
    """A receiver in a process of its own, on the test's database."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "webhooks"], cwd=ROOT, env=os.environ | {"WEBHOOK_PORT": str(port)}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{url}/readyz"))
        yield url
    finally:
        process.terminate()
        process.wait(20)
