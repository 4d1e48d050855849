"""``python -m jobs [clock|worker|all]``: background work, and the clock that orders it."""
from __future__ import annotations

import sys
import threading

from core.platform import log
from core.platform.settings import settings
from jobs.clock import run_clock
from jobs.queue import queue

CONCURRENCY = 4
MODES = ("all", "clock", "worker")


def run_worker() -> None:
    """Work until SIGTERM or Ctrl-C; jobs that are running finish first."""
    with queue().open() as app:
        app.run_worker(concurrency=CONCURRENCY, fetch_job_polling_interval=1.0, delete_jobs="successful")


def main(mode: str) -> None:
    """Run one part, or both in one process."""
    log.configure(settings().log_level)
    stopping = threading.Event()
    if mode == "clock":
        run_clock(stopping)
        return
    if mode == "all":
        threading.Thread(target=run_clock, args=(stopping,), name="clock", daemon=True).start()
    run_worker()
    stopping.set()


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "all"
    if chosen not in MODES:
        sys.exit(f"Choose one of {', '.join(MODES)}.")
    main(chosen)
