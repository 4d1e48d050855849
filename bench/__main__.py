"""``python -m bench [receiver] [backlog] [figures] [exports] [payouts] [screens]``: each figure
beside its baseline. Exits with 1 when a limit is broken.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module

from bench.receiver import Row

NAMES = ("receiver", "backlog", "figures", "exports", "payouts", "screens")
HEAD = f"{'what':36} {'ours':>12} {'baseline':>12} {'ratio':>6}  {'limit':13} ok"


def line(row: Row) -> str:
    """One row of the table."""
    return (
        f"{row.name:36} {row.ours:>12} {row.baseline:>12} {row.ratio:6.2f}  {row.wanted:13}"
        f" {'yes' if row.holds else 'NO'}"
    )


def main(names: list[str]) -> int:
    """Run the benchmarks ``names``, or all of them, and print the table. Returns 1 when a limit is
    broken.
    """
    if unknown := set(names) - set(NAMES):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; use {', '.join(NAMES)}.")
    print(HEAD, flush=True)
    holds, started = True, time.monotonic()
    for name in names or NAMES:
        for row in import_module(f"bench.{name}").run():
            print(line(row), flush=True)
            holds &= row.holds
        print(f"… {name}, {(time.monotonic() - started) / 60:.1f} min", flush=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
