"""A backlog of deliveries on its way into rows, beside what one connection inserts.

``python -m bench backlog``. Bookings, payment intents, charges and refunds wait in the queue as the
receiver stores them; then a worker starts in a process of its own. The baseline is pgbench's rate
of bare single-row INSERTs on one connection of the same server, with all safety settings on. It
measures too whether the worker's memory grows with the backlog, how long another organisation's
delivery waits beside such a flood, and how soon a delivery is a row when little waits.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from bench.receiver import Row, Server, server
from core.bookings.roster import create_closer, create_setter
from core.platform.database import as_system
from core.platform.postgres_programs import find_bin
from core.providers.connections import create_connection
from core.providers.payloads import example, payload
from core.providers.registry import inbound
from core.tenancy.organizations.models import Organization

DELIVERIES, MANY = 20_000, 50
MIN_RATIO = 0.15
MAX_GROWTH, MAX_DELAY_S, MIN_BESIDE = 1.15, 5.0, 0.8
STEADY_PER_SECOND, STEADY_S = 50, 10
FLOOR_S = 5
KINDS = (
    ("calendly", "invitee.created"),
    ("stripe", "payment_intent.succeeded"),
    ("stripe", "charge.succeeded"),
    ("stripe", "refund.created"),
)
PEOPLE = 6
LOOK_S = 0.1
STORE = """
    copy app.webhook_deliveries
      (organization_id, connection_id, provider, delivery_key, headers, body) from stdin
"""
WAITING = "select count(*) from app.webhook_deliveries where status = 'pending'"
INSERT = "insert into public.bench_deliveries (body) values ('{}'::text::bytea);"
EVENTS = "select count(*) from app.events where organization_id = %s"
SEEN = "select external_id from app.events where external_id = any (%s)"
UNFINISHED = """
    select count(*) filter (where status <> 'processed') from app.webhook_deliveries
"""


@dataclass(frozen=True)
class Office:
    """An organisation with the connections over which its deliveries come."""

    id: UUID
    connections: Mapping[str, UUID]

    def delivery(self, kind: tuple[str, str], values: Mapping[str, Any]) -> tuple[Any, ...]:
        """A row of the queue: what the provider sends of this kind about a lead."""
        provider, file = kind
        content = payload(provider, file, {**values, "id": secrets.token_hex(8)})
        text = json.dumps(content).replace("cus_sample", f"cus_{values['key']}")
        key = inbound(provider).delivery_key({}, text.encode())
        return self.id, self.connections[provider], provider, key, "{}", text.encode()


@dataclass(frozen=True)
class Drained:
    """How many deliveries a second became rows, and the worker's memory over the time, in MB."""

    per_second: float
    memory: Sequence[float]


def run() -> list[Row]:
    """The backlog of one organisation and of many, the worker's memory, and who waits beside it."""
    with server() as bench:
        one = _drained(bench, [_office()])
        many = _drained(bench, [_office() for _ in range(MANY)])
        floor = _inserted(bench)
        quarter = len(one.memory) // 4 or 1
        first, last = max(one.memory[: 2 * quarter]), max(one.memory[-quarter:])
        return [
            _backlog("one organisation", one, floor),
            _backlog(f"{MANY} organisations", many, floor),
            Row(
                "memory of the worker meanwhile",
                f"{last:.0f} MB",
                f"{first:.0f} MB",
                last / first,
                f"≤ {MAX_GROWTH}",
                last <= MAX_GROWTH * first,
            ),
            _beside_an_export(bench, one),
            _beside_a_flood(bench),
            *_latency(bench),
        ]


def _backlog(whose: str, drained: Drained, floor: float) -> Row:
    ratio = drained.per_second / floor
    return Row(
        f"backlog of {DELIVERIES:,}, {whose}",
        f"{drained.per_second:.0f}/s",
        f"{floor:.0f}/s",
        ratio,
        f"≥ {MIN_RATIO}",
        ratio >= MIN_RATIO,
    )


def _office() -> Office:
    org = uuid4()
    with as_system(org) as db:
        db.add(
            Organization(id=org, name="Bench", slug=f"bench-{org}", timezone="UTC", currency="USD")
        )
        db.flush()
        connections = {
            provider: create_connection(db, provider, "Bench", secrets.token_hex(16)).id
            for provider in sorted({provider for provider, _ in KINDS})
        }
        for number in range(PEOPLE):
            create_closer(db, f"Closer {number}", f"closer.{number}@example.com")
            create_setter(db, f"setter-{number}")
    return Office(org, connections)


def _leads(number: int) -> Iterator[dict[str, Any]]:
    for turn in range(number):
        yield example(
            key=secrets.token_hex(6),
            email=f"lead.{turn}@example.com",
            name=f"Lead {turn}",
            closer_email=f"closer.{turn % PEOPLE}@example.com",
            closer_name=f"Closer {turn % PEOPLE}",
            setter=f"setter-{turn % PEOPLE}",
        )


def _store(bench: Server, offices: Sequence[Office], number: int) -> None:
    leads = _leads(number // len(KINDS) // len(offices))
    rows = [
        office.delivery(kind, values) for values in leads for kind in KINDS for office in offices
    ]
    with psycopg.connect(bench.owner) as owner, owner.cursor().copy(STORE) as store:
        for row in rows:
            store.write_row(row)


def _drained(bench: Server, offices: Sequence[Office]) -> Drained:
    _store(bench, offices, DELIVERIES)
    memory: list[float] = []
    with psycopg.connect(bench.owner, autocommit=True) as owner, _worker() as worker:
        total = waiting = _count(owner, WAITING)
        while waiting == total:  # it starts
            time.sleep(LOOK_S)
            waiting = _count(owner, WAITING)
        begun, first = time.perf_counter(), waiting
        while waiting:
            time.sleep(LOOK_S)
            waiting = _count(owner, WAITING)
            memory.append(_memory_mb(worker))
        per_second = first / (time.perf_counter() - begun)
        if unfinished := _count(owner, UNFINISHED):
            sys.exit(f"{unfinished} deliveries did not become rows.")
    return Drained(per_second, memory)


def _beside_an_export(bench: Server, without: Drained) -> Row:
    """The same while an export is open, which holds an old snapshot on the database."""
    with psycopg.connect(bench.owner) as export:
        export.execute("set transaction isolation level repeatable read")
        _count(export, WAITING)
        beside = _drained(bench, [_office()])
    ratio = beside.per_second / without.per_second
    return Row(
        "backlog beside an open export",
        f"{beside.per_second:.0f}/s",
        f"{without.per_second:.0f}/s",
        ratio,
        f"≥ {MIN_BESIDE}",
        ratio >= MIN_BESIDE,
    )


def _count(owner: psycopg.Connection, query: Any, *values: UUID) -> int:
    row = owner.execute(query, values).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _worker() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "jobs", "worker"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=Path(__file__).parents[1], stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _memory_mb(process: subprocess.Popen[bytes]) -> float:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _inserted(bench: Server) -> float:
    """pgbench's single-row INSERTs a second, of a body of the same size, on one connection."""
    [values] = _leads(1)
    *_, body = _office().delivery(KINDS[1], values)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        text = body.decode().replace("'", "''")
        script.write(INSERT.format(text))
        script.flush()
        command = [
            str(find_bin() / "pgbench"),
            *("--no-vacuum", "--client=1", "--protocol=prepared"),
            f"--time={FLOOR_S}",
            f"--file={script.name}",
            bench.owner,
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    [line] = [each for each in done.stdout.splitlines() if each.startswith("tps")]
    return float(line.split()[2])


def _beside_a_flood(bench: Server) -> Row:
    """How long single deliveries of one organisation wait while another's backlog is worked off,
    and how long they wait without it.
    """
    flooded, other = _office(), _office()
    with psycopg.connect(bench.owner, autocommit=True) as owner, _worker():
        alone = _delays(owner, other, 20)
        _store(bench, [flooded], DELIVERIES // 2)
        beside = _delays(owner, other, 20)
        if not _count(owner, WAITING):
            sys.exit("The flood was over before it was measured.")
    ours, bare = max(beside), statistics.median(alone)
    return Row(
        "slowest delivery beside a flood",
        f"{ours * 1000:.0f} ms",
        f"{bare * 1000:.0f} ms",
        ours / bare,
        f"≤ {MAX_DELAY_S:.0f} s",
        ours <= MAX_DELAY_S,
    )


def _delays(owner: psycopg.Connection, office: Office, number: int) -> list[float]:
    """The seconds that each of some deliveries takes from the queue to its row."""
    found = []
    for values in _leads(number):
        before = _count(owner, EVENTS, office.id)
        with owner.cursor().copy(STORE) as store:
            store.write_row(office.delivery(KINDS[0], values))
        begun = time.perf_counter()
        while _count(owner, EVENTS, office.id) == before:
            time.sleep(0.005)
        found.append(time.perf_counter() - begun)
    return found


def _latency(bench: Server) -> list[Row]:
    """From the queue to a row that others see, at a steady rate, beside an INSERT and its commit on
    one connection.
    """
    office, delays = _office(), list[float]()
    with psycopg.connect(bench.owner, autocommit=True) as owner, _worker():
        _delays(owner, office, 1)  # it has started
        stored: dict[str, float] = {}
        begun = time.perf_counter()
        leads = iter(list(_leads(STEADY_PER_SECOND * STEADY_S)))
        due = 0
        while due < STEADY_PER_SECOND * STEADY_S or stored:
            at = time.perf_counter()
            if due < STEADY_PER_SECOND * STEADY_S and at >= begun + due / STEADY_PER_SECOND:
                values, due = next(leads), due + 1
                with owner.cursor().copy(STORE) as store:
                    store.write_row(office.delivery(KINDS[0], values))
                stored[values["key"]] = at
            for (key,) in owner.execute(SEEN, [list(stored)]).fetchall():
                delays.append(time.perf_counter() - stored.pop(key))
        floor = 1 / _inserted(bench)
    delays.sort()
    return [
        Row(
            f"delivery to row at {STEADY_PER_SECOND}/s, {name}",
            f"{delay * 1000:.0f} ms",
            f"{floor * 1000:.1f} ms",
            delay / floor,
            "reported",
            True,
        )
        for name, delay in (
            ("median", statistics.median(delays)),
            ("99th perc.", delays[int(len(delays) * 0.99)]),
        )
    ]
