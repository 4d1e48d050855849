"""Whatever is killed, the product comes back by itself, and deliveries that were answered with 200
survive: each is stored once and processed, and each payment is recorded once.
"""

import http.client
import os
import queue
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from core.deliveries.models import ConnectionActivity, WebhookDelivery
from core.migrations.upgrade import ensure_embedded_ready
from core.money.models import Payment
from core.platform import database
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.local_postgres import embedded
from core.platform.settings import settings
from core.providers.payloads import signed
from tests import factories as make
from tests.flow import SECRET, sender
from tests.payloads import stripe_event, stripe_intent
from tests.ports import until
from tests.supervised import NAMES, supervised

CHILDREN = sorted(NAMES.values())
DATABASE, RECOVERING = "database", "database, and again while it recovers"
CLIENTS = 8
RETRY_PAUSE_S = 0.1
LONGEST_START_S = 120
# Nothing may stand still for longer than so many times what the first, undisturbed start took.
STANDSTILL = 15


class Clients:
    """Senders that repeat each delivery until it is accepted, and every tenth once more after
    that. They send no more than ``allowed`` of them until more are allowed.
    """

    def __init__(self, port: int, path: str, payloads: list[dict]) -> None:
        self.port, self.path, self.accepted = port, path, []
        self.waiting: queue.SimpleQueue[dict | None] = queue.SimpleQueue()
        self.payloads = iter(payloads)
        self.threads = [threading.Thread(target=self._send_all) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def allow(self, more: int) -> None:
        for _ in range(more):
            self.waiting.put(next(self.payloads))

    def end(self) -> None:
        for _ in self.threads:
            self.waiting.put(None)
        for thread in self.threads:
            thread.join()

    def _send_all(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while payload := self.waiting.get():
            for _ in range(2 if len(self.accepted) % 10 == 0 else 1):
                while not self._accepted(connection, payload):
                    time.sleep(RETRY_PAUSE_S)
            self.accepted.append(payload["id"])
        connection.close()

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
def own_data(monkeypatch):
    """The embedded server in a data folder of this test's own, with all safety settings on. The
    product's settings point at it meanwhile; no demo is made.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server's own account must be able to enter
        Path(folder, "demo-sign-ins.json").write_text("{}")
        monkeypatch.setenv("DATA_DIR", folder)
        monkeypatch.delenv("DATABASE_URL")
        _forget()
        ensure_embedded_ready()
        yield
        for role in (database.APP_ROLE, database.WORKER_ROLE):
            database.engine(role).dispose()
        assert embedded().stop()
        _forget()
        monkeypatch.undo()
        settings.cache_clear()


def _forget():
    settings.cache_clear()
    database.engine.cache_clear()
    embedded.cache_clear()


def deliveries(count):
    at = now()
    payments = [
        stripe_event("payment_intent.succeeded", stripe_intent(str(n), 1000 + n, at), at)
        for n in range(count // 5)
    ]
    customers = [{"object": "customer", "id": f"cus_{n}"} for n in range(count - len(payments))]
    others = [stripe_event("customer.updated", customer, at) for customer in customers]
    mixed = payments + others
    random.Random(count).shuffle(mixed)
    return mixed


def postmaster():
    """Its process id; None while there is none."""
    try:
        return int((embedded().data / "postmaster.pid").read_text().split()[0])
    except (OSError, IndexError):
        return None


def kill(victim, product, patience_s):
    """Kill it, and wait until the supervisor has started it again."""
    if victim in CHILDREN:
        killed = product.children()[victim]
        os.kill(killed, signal.SIGKILL)
        until(lambda: product.children().get(victim) not in (None, killed), within_s=patience_s)
        return
    for _ in range(1 if victim == DATABASE else 3):
        killed = until(postmaster, within_s=patience_s)
        os.kill(killed, signal.SIGKILL)
        until(lambda killed=killed: postmaster() not in (None, killed), every_s=0.005)


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
    try:
        with psycopg.connect(embedded().url(database.DATABASE)) as db:
            row = db.execute(
                "select count(*) from app.webhook_deliveries where status = 'pending'"
            ).fetchone()
        return -row[0]
    except psycopg.OperationalError:
        return None


@contextmanager
def sending(product, path, payloads):
    clients = Clients(product.receiver, path, payloads)
    try:
        yield clients
    finally:
        clients.end()


def victims(kills):
    """At random, but each of them as often as the others."""
    every = [*CHILDREN, DATABASE, RECOVERING]
    drawn = every * (kills // len(every)) + every[: kills % len(every)]
    random.shuffle(drawn)
    return drawn


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("count", "kills"), [(240, 5), pytest.param(9_000, 45, marks=pytest.mark.nightly)]
)
def test_nothing_acknowledged_is_lost_or_doubled_whatever_is_killed(
    own_data, tmp_path, count, kills
):
    org = make.organization(accept_test_mode=True)
    to, payloads, drawn = sender(org, "stripe"), deliveries(count), victims(kills)
    step = count // (kills + 1)
    print("killed in this order:", drawn)
    with supervised(tmp_path / "said") as product:
        started = time.monotonic()
        until(product.is_whole, within_s=LONGEST_START_S)
        patience_s = STANDSTILL * (time.monotonic() - started)
        with sending(product, to.path, payloads) as clients:
            for number, victim in enumerate(drawn, 1):
                clients.allow(step)
                goal = number * step - step // 2  # so that some are on their way
                progress(lambda: len(clients.accepted), goal, patience_s=patience_s)
                kill(victim, product, patience_s)
            clients.allow(count - kills * step)
        progress(worked_off, 0, patience_s=patience_s)
        until(product.is_whole, within_s=patience_s)

    assert sorted(clients.accepted) == sorted(payload["id"] for payload in payloads)
    assert_each_is_there_once(org, payloads)
    assert_one_line_a_fact(product, Counter(drawn))


def assert_each_is_there_once(org, payloads):
    with as_system(org) as db:
        stored = db.execute(select(WebhookDelivery.delivery_key, WebhookDelivery.status)).all()
        assert sorted(key for key, _ in stored) == sorted(payload["id"] for payload in payloads)
        assert {status for _, status in stored} == {"processed", "ignored"}
        assert db.scalar(select(ConnectionActivity.webhook_count)) == len(payloads)
        booked = db.execute(
            select(Payment.processor_payment_id, func.count()).group_by(
                Payment.processor_payment_id
            )
        ).all()
    assert sorted(booked) == sorted(
        (payload["data"]["object"]["id"], 1) for payload in payloads if "intent" in payload["type"]
    )


def assert_one_line_a_fact(product, killed):
    """A killed child is one line, and a lost database one line of each process that misses it."""
    written = product.lines()
    assert "Traceback" not in product.said.read_text()
    for name in CHILDREN:
        lines = [text for by, text in written if by == "run" and text.startswith(name + " was")]
        assert len(lines) == killed[name]
    lost = killed[DATABASE] + 3 * killed[RECOVERING]
    for name in ("run", *CHILDREN):
        assert len([1 for by, text in written if by == name and "database" in text]) <= lost
