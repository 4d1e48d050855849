"""An export of 300,000 events as CSV, compared with a bare COPY of the same columns; and how its
memory grows with the number of rows.

``python -m bench.exports DAYS`` exports the first days of the year and prints the process's peak
memory as JSON.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from bench.data import ADMIN, MEASURED, YEAR, filled
from bench.receiver import Row
from core.metrics.export_tables import EXPORTS
from core.metrics.exports import export
from core.platform.clock import Period
from core.platform.database import as_member

ROWS, TENTH_DAYS, ROUNDS = 300_000, 36, 7
MIN_THROUGHPUT, MAX_GROWTH_MB = 0.5, 8.0


def run() -> list[Row]:
    """Rows per second of both, the median of rounds in turns; and the peak memory for all rows
    compared with that for a tenth of them.
    """
    with (
        filled(events=ROWS, organizations=1) as owner_url,
        psycopg.connect(owner_url, autocommit=True) as owner,
    ):
        for warm in (_export, lambda: _copy(owner)):
            warm()
        rounds = [(_per_second(_export), _per_second(lambda: _copy(owner))) for _ in range(ROUNDS)]
        return [_throughput(rounds), _memory()]


def _export(period: Period = YEAR) -> None:
    for _ in export(partial(as_member, ADMIN, MEASURED), "events", "csv", period=period):
        pass


def _copy(owner: psycopg.Connection) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, EXPORTS["events"].columns))
    with owner.cursor().copy(
        sql.SQL("copy (select {} from app.events) to stdout (format csv, header)").format(columns)
    ) as rows:
        for _ in rows:
            pass


def _per_second(run_once: Callable[[], object]) -> float:
    started = time.perf_counter()
    run_once()
    return ROWS / (time.perf_counter() - started)


def _throughput(rounds: list[tuple[float, float]]) -> Row:
    ours, bare = (statistics.median(one[side] for one in rounds) for side in (0, 1))
    ratio = statistics.median(ours / bare for ours, bare in rounds)
    return Row(
        "rows exported",
        f"{ours:,.0f}/s",
        f"{bare:,.0f}/s",
        ratio,
        f"≥ {MIN_THROUGHPUT}",
        ratio >= MIN_THROUGHPUT,
    )


def _memory() -> Row:
    everything, tenth = _peak_mb(YEAR.days), _peak_mb(TENTH_DAYS)
    grown = everything - tenth
    shown = (
        f"{everything:.0f} MB",
        f"{tenth:.0f} MB",
        everything / tenth,
        f"≤ + {MAX_GROWTH_MB:.0f} MB",
    )
    return Row("memory of ten times the rows", *shown, grown <= MAX_GROWTH_MB)


def _peak_mb(days: int) -> float:
    command = [sys.executable, "-m", "bench.exports", str(days)]
    done = subprocess.run(  # noqa: S603 - our own program
        command,
        env=os.environ,
        cwd=Path(__file__).parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured["peak_mb"]


def own_peak_mb() -> float:
    """Linux's own record of this program's peak; ``getrusage`` would include the process that
    started it.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("inf")


if __name__ == "__main__":
    _export(Period(YEAR.start, YEAR.start + timedelta(days=int(sys.argv[1])), YEAR.timezone))
    print(json.dumps({"peak_mb": own_peak_mb()}))
