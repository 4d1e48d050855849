"""``python -m jobs [clock|worker|all]``: background work, and the clock that schedules it. SIGTERM
ends it cleanly.
"""

from __future__ import annotations

import signal
import sys
import threading

from core.operations.startup_checks import check_start
from core.platform import log
from core.platform.errors import Misconfigured
from core.platform.settings import settings
from jobs.clock import run_clock
from jobs.drain import run_drain
from jobs.worker import run_worker

MODES = ("all", "clock", "worker")


def main(mode: str) -> None:
    """Run one part, or both in one process."""
    log.configure(settings().log_level)
    try:
        check_start()
    except Misconfigured as error:
        sys.exit(error.message)
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    if mode == "clock":
        run_clock(stopping)
        return
    if mode == "all":
        threading.Thread(target=run_clock, args=(stopping,), name="clock", daemon=True).start()
    drain = threading.Thread(target=run_drain, args=(stopping,), name="deliveries")
    drain.start()
    try:
        run_worker(stopping)
    finally:
        stopping.set()
        drain.join()


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "all"
    if chosen not in MODES:
        sys.exit(f"Choose one of {', '.join(MODES)}.")
    main(chosen)
