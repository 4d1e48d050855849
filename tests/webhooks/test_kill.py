"""Whatever is killed, deliveries that were answered with 200 survive: each is stored once and
processed, and each payment is recorded once.
"""

import http.client
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from core.deliveries.models import ConnectionActivity, WebhookDelivery
from core.migrations.upgrade import migrate
from core.money.models import Payment
from core.platform import database
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import Misconfigured
from core.platform.local_postgres import LocalPostgres
from core.platform.settings import settings
from core.providers.payloads import signed
from tests import factories as make
from tests.flow import SECRET, sender
from tests.payloads import stripe_event, stripe_intent
from tests.ports import free_port, until

ROOT = Path(__file__).parents[2]
PAYMENTS = 200
CLIENTS = 8
RETRY_PAUSE_S = 0.1
LONGEST_START_S = 120
# Nothing may stand still for longer than so many times what the first, undisturbed step took.
STANDSTILL = 20


class Process:
    """``python -m …``, started again after each kill."""

    def __init__(self, *module: str, **env: str) -> None:
        self.command, self.env = [sys.executable, "-m", *module], os.environ | env
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.env, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


class Postgres(LocalPostgres):
    """An embedded server whose main process can be killed."""

    def kill(self) -> None:
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        until(self._revived)

    def _revived(self) -> bool:
        """Starts Postgres again; it starts only after the processes of the killed one have noticed
        and ended.
        """
        try:
            return self.revive()
        except Misconfigured:
            return False


class Clients:
    """Senders that repeat each delivery until it is accepted, and every tenth once more
    after that.
    """

    def __init__(self, port: int, path: str, payloads: list[dict]) -> None:
        self.port, self.path, self.accepted = port, path, []
        self.waiting: queue.SimpleQueue[dict] = queue.SimpleQueue()
        for payload in payloads:
            self.waiting.put(payload)
        self.threads = [threading.Thread(target=self._send_all) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _send_all(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while True:
            try:
                payload = self.waiting.get_nowait()
            except queue.Empty:
                return
            for _ in range(2 if len(self.accepted) % 10 == 0 else 1):
                while not self._accepted(connection, payload):
                    time.sleep(RETRY_PAUSE_S)
            self.accepted.append(payload["id"])

    def _accepted(self, connection: http.client.HTTPConnection, payload: dict) -> bool:
        body, headers = signed("stripe", payload, SECRET)
        try:
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        assert answer.status in (200, 503)
        return answer.status == 200


@pytest.fixture
def own_postgres(tmp_path, monkeypatch):
    """A migrated server of this test's own with all safety settings on. The product's settings
    point at it meanwhile.
    """
    tmp_path.chmod(0o755)
    with Postgres(tmp_path / "postgres") as postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database salesops")
        url = make_url(postgres.url("salesops")).set(drivername="postgresql")
        monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
        settings.cache_clear()
        database.engine.cache_clear()
        migrate()
        yield postgres
        for role in (database.APP_ROLE, database.WORKER_ROLE):
            database.engine(role).dispose()
        database.engine.cache_clear()
        monkeypatch.undo()
        settings.cache_clear()


@contextmanager
def processes():
    port = free_port()
    running = [Process("webhooks", WEBHOOK_PORT=str(port)), Process("jobs", "all")]
    try:
        yield port, *running
        assert running[1].stop() == 0
    finally:
        for process in running:
            process.process.kill()
            process.process.wait()


def deliveries(count):
    at = now()
    payments = [
        stripe_event("payment_intent.succeeded", stripe_intent(str(n), 1000 + n, at), at)
        for n in range(PAYMENTS)
    ]
    customers = [{"object": "customer", "id": f"cus_{n}"} for n in range(count - PAYMENTS)]
    others = [stripe_event("customer.updated", customer, at) for customer in customers]
    every = len(others) // PAYMENTS
    return [
        one
        for n, payment in enumerate(payments)
        for one in [payment, *others[n * every : (n + 1) * every]]
    ]


def progress(count, goal, *, patience_s):
    """Wait until ``count()`` has reached ``goal``; fails when it stops growing."""
    best, moved = None, time.monotonic()
    while best is None or best < goal:
        if (reached := count()) is not None and (best is None or reached > best):
            best, moved = reached, time.monotonic()
        assert time.monotonic() < moved + patience_s, f"stopped at {best} of {goal}"
        time.sleep(0.05)


def worked_off():
    """How many deliveries are no longer pending; None while the database is away."""
    left = pending()
    return None if left is None else -left


def pending():
    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as db:
            row = db.execute(
                "select count(*) from app.webhook_deliveries where status = 'pending'"
            ).fetchone()
        return row[0]
    except psycopg.OperationalError:
        return None


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("count", "kills"), [(1_200, 9), pytest.param(10_000, 48, marks=pytest.mark.nightly)]
)
def test_nothing_acknowledged_is_lost_or_doubled_whatever_is_killed(own_postgres, count, kills):
    org = make.organization(accept_test_mode=True)
    to = sender(org, "stripe", rate_limit=1_000_000)
    payloads = deliveries(count)
    with processes() as (port, receiver, worker):
        started = time.monotonic()
        clients = Clients(port, to.path, payloads)
        step = len(payloads) // (kills + 1)
        progress(lambda: len(clients.accepted), step, patience_s=LONGEST_START_S)
        patience_s = STANDSTILL * (time.monotonic() - started)
        for number in range(kills):
            [receiver, worker, own_postgres][number % 3].kill()
            goal = min((number + 2) * step, len(payloads))
            progress(lambda: len(clients.accepted), goal, patience_s=patience_s)
        for thread in clients.threads:
            thread.join()
        progress(worked_off, 0, patience_s=patience_s)

    assert sorted(clients.accepted) == sorted(payload["id"] for payload in payloads)
    with as_system(org) as db:
        kept = db.execute(select(WebhookDelivery.delivery_key, WebhookDelivery.status)).all()
        assert sorted(key for key, _ in kept) == sorted(clients.accepted)
        assert {status for _, status in kept} == {"processed", "ignored"}
        assert db.scalar(select(ConnectionActivity.webhook_count)) == len(payloads)
        booked = db.execute(
            select(Payment.processor_payment_id, func.count()).group_by(
                Payment.processor_payment_id
            )
        ).all()
    assert sorted(booked) == sorted(
        (payload["data"]["object"]["id"], 1) for payload in payloads if "intent" in payload["type"]
    )
