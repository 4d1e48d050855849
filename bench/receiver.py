"""The receiver compared with its baselines, in turns on the same machine, and with the same
Postgres with all safety settings on.

``python -m bench.receiver`` prints the table. A baseline (``bench/bare.py``) checks an HMAC and
inserts one row: with few connections each in a transaction of its own, with many those that arrive
together in one. The receiver also checks the connection and its rate limit, stores each delivery
only once, where the workers find it.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg

from core.migrations.upgrade import migrate
from core.platform.database import WORKER_ROLE, as_system, engine, role_url
from core.platform.local_postgres import LocalPostgres
from core.platform.settings import settings
from core.providers.connections import create_connection
from core.tenancy.organizations.models import Organization

BARE = ("uvicorn", "bench.bare:app", "--no-access-log", "--log-level", "warning")
OURS = ("webhooks",)
ROUNDS = 3
SECONDS = 4.0
FEW, MANY = 16, 64
OPEN_LOOP_PER_SECOND = 200
MIN_THROUGHPUT = 0.9
MAX_P99 = 1.3
WAITING, MAX_P99_BESIDE = 200_000, 1.5
# What waits for a worker, as the receiver stores it.
FILL = """
    insert into app.webhook_deliveries
      (organization_id, connection_id, provider, delivery_key, headers, body)
    select c.organization_id, c.id, c.provider, 'waiting ' || n, '{}', repeat('x', 900)::bytea
      from app.webhook_connections c, generate_series(1, %s) n
"""


@dataclass(frozen=True)
class Row:
    """One figure beside its baseline. ``ratio`` is ours divided by the baseline; ``holds`` says
    whether that is within the limit.
    """

    name: str
    ours: str
    baseline: str
    ratio: float
    wanted: str
    holds: bool


def run() -> list[Row]:
    """Throughput with few and with many connections, and the 99th percentile at a steady rate: the
    median of several rounds in turns.
    """
    with server() as bench:
        env = os.environ | {"BENCH_SECRET": bench.secret, "BENCH_DATABASE_URL": bench.worker}
        with _served(BARE, env) as bare, _served(OURS, env) as ours:

            def rounds(beside: str, *load: float) -> Rounds:
                return [
                    (_measure(ours, bench.path, env, *load), _measure(bare, beside, env, *load))
                    for _ in range(ROUNDS)
                ]

            rows = [
                _throughput(f"deliveries received, {FEW} at once", rounds("/each", FEW)),
                _throughput(f"deliveries received, {MANY} at once", rounds("/together", MANY)),
            ]
            steady = rounds("/each", MANY, OPEN_LOOP_PER_SECOND)
            with psycopg.connect(bench.owner) as owner:
                owner.execute(FILL, [WAITING])
            full = [
                _measure(ours, bench.path, env, MANY, OPEN_LOOP_PER_SECOND) for _ in range(ROUNDS)
            ]
            return [*rows, _slowest(steady), _slowest_beside(full, [empty for empty, _ in steady])]


@dataclass(frozen=True)
class Server:
    """A migrated server of its own, with one connection that can receive deliveries: the addresses
    of its database for the owner and for the worker, the connection's path and its secret.
    """

    owner: str
    worker: str
    path: str
    secret: str


@contextmanager
def server() -> Iterator[Server]:
    """A server for the length of the block; the process's settings point at it."""
    with tempfile.TemporaryDirectory() as folder, LocalPostgres(folder) as postgres:
        Path(folder).chmod(0o711)  # the server's own account must be able to enter
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database bench")
        os.environ["DATABASE_URL"] = postgres.url("bench")
        os.environ["ENCRYPTION_MASTER_KEY"] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        settings.cache_clear()
        engine.cache_clear()
        migrate()
        with psycopg.connect(postgres.url("bench")) as owner:
            owner.execute(
                "create table public.bench_deliveries (id bigint generated always as identity"
                " primary key, body bytea)"
            )
            owner.execute(f"grant all on public.bench_deliveries to {WORKER_ROLE}")
        secret, org = f"whsec_{secrets.token_hex(16)}", uuid4()
        with as_system(org) as db:
            db.add(
                Organization(
                    id=org, name="Bench", slug=f"bench-{org}", timezone="UTC", currency="USD"
                )
            )
            db.flush()
            connection = create_connection(db, "stripe", "Bench", secret, rate_limit=1_000_000)
        worker = role_url(WORKER_ROLE).set(drivername="postgresql")
        yield Server(
            postgres.url("bench"),
            worker.render_as_string(hide_password=False),
            f"/webhooks/stripe/{connection.id}",
            secret,
        )
        engine(WORKER_ROLE).dispose()


@contextmanager
def _served(module: Sequence[str], env: dict[str, str]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", *module]
    env = env | {"UVICORN_PORT": str(port), "WEBHOOK_PORT": str(port)}
    process = subprocess.Popen(command, env=env, cwd=Path(__file__).parents[1])  # noqa: S603 - our own program
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            return
        except httpx.TransportError:
            time.sleep(0.1)
    sys.exit("A server did not start.")


def _measure(port: int, path: str, env: dict[str, str], *load: float) -> dict[str, float]:
    numbers = map(str, (SECONDS, *load))
    command = [sys.executable, "-m", "bench.load", str(port), path, *numbers]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


Measured = dict[str, float]
Rounds = list[tuple[Measured, Measured]]


def _slowest_beside(full: Sequence[Measured], empty: Sequence[Measured]) -> Row:
    ours, bare = (statistics.median(each["p99_ms"] for each in side) for side in (full, empty))
    return Row(
        f"the same with {WAITING:,} waiting",
        f"{ours:.1f} ms",
        f"{bare:.1f} ms",
        ours / bare,
        f"≤ {MAX_P99_BESIDE}",
        ours <= MAX_P99_BESIDE * bare,
    )


def _throughput(name: str, rounds: Rounds) -> Row:
    ours, bare = (statistics.median(one[side]["per_second"] for one in rounds) for side in (0, 1))
    ratio = statistics.median(ours["per_second"] / bare["per_second"] for ours, bare in rounds)
    return Row(
        name,
        f"{ours:.0f}/s",
        f"{bare:.0f}/s",
        ratio,
        f"≥ {MIN_THROUGHPUT}",
        ratio >= MIN_THROUGHPUT,
    )


def _slowest(rounds: Rounds) -> Row:
    ours, bare = (statistics.median(one[side]["p99_ms"] for one in rounds) for side in (0, 1))
    ratio = statistics.median(ours["p99_ms"] / bare["p99_ms"] for ours, bare in rounds)
    return Row(
        f"receiving {OPEN_LOOP_PER_SECOND}/s, 99th perc.",
        f"{ours:.1f} ms",
        f"{bare:.1f} ms",
        ratio,
        f"≤ {MAX_P99}",
        ratio <= MAX_P99,
    )


if __name__ == "__main__":
    for row in run():
        print(
            f"{row.name:30} {row.ours:>12} {row.baseline:>12} {row.ratio:6.2f}  {row.wanted:8}"
            f" {'holds' if row.holds else 'MISSED'}"
        )
