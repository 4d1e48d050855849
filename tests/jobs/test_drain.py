"""Workers take turns at the organisations whose deliveries wait, and find them by themselves."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select, text

from core.bookings.tasks import attribute_event
from core.deliveries import queue as queue_of_deliveries
from core.deliveries.models import WebhookDelivery
from core.platform.database import WORKER_ROLE, as_system, role_url
from jobs import drain
from jobs.drain import Turns, run_drain, take_turn
from tests import factories as make
from tests.flow import sender
from tests.ports import owner, until
from tests.swallowing import swallowing


def stored(to, number=1):
    with as_system(to.organization_id) as db:
        for _ in range(number):
            delivery = WebhookDelivery(
                organization_id=to.organization_id,
                connection_id=to.connection_id,
                provider="calendly",
                delivery_key=str(uuid4()),
                headers={},
                body=b'{"event":"test"}',
            )
            db.add(delivery)


def waiting(org):
    with as_system(org) as db:
        rows = select(WebhookDelivery.id).where(WebhookDelivery.status == "pending")
        return len(db.scalars(rows).all())


@contextmanager
def draining():
    stopping = threading.Event()
    thread = threading.Thread(target=run_drain, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)
    assert not thread.is_alive()


def test_an_organisation_with_a_flood_and_one_with_a_single_delivery_take_turns(
    quiet_database, monkeypatch
):
    monkeypatch.setattr(queue_of_deliveries, "MOST", 2)
    flooded, other = (sender(make.organization(), "calendly") for _ in range(2))
    turns = Turns()
    stored(flooded, 9)
    assert take_turn(turns)
    stored(other, 1)
    assert take_turn(turns)
    assert take_turn(turns)
    assert waiting(other.organization_id) == 0
    assert waiting(flooded.organization_id) in (5, 7)
    while take_turn(turns):
        pass
    assert waiting(flooded.organization_id) == 0


def test_what_one_has_in_hand_no_other_is_given(quiet_database):
    one, two = (sender(make.organization(), "calendly") for _ in range(2))
    turns = Turns()
    for to in (one, two):
        stored(to)
    with turns.next() as first, turns.next() as second, turns.next() as third:
        assert {first, second} == {one.organization_id, two.organization_id}
        assert third is None
    with turns.next() as again:
        assert again == first


def test_deliveries_are_found_while_it_runs_and_batches_in_hand_come_to_their_end(quiet_database):
    to = sender(make.organization(), "calendly")
    with draining():
        stored(to, 3)
        until(lambda: waiting(to.organization_id) == 0)
        stored(to, 300)
    assert waiting(to.organization_id) in (0, 100, 300)


def test_no_error_ends_it(quiet_database):
    """As during an upgrade, when a function is away for a moment."""
    to = sender(make.organization(), "calendly")
    rename = "alter function app.{} rename to {}"
    names = ("organizations_with_deliveries_due", "away_in_this_test")
    with draining():
        with owner() as db:
            db.execute(text(rename.format(*names)))
        try:
            stored(to)
            threading.Event().wait(3 * drain.LOOK_EVERY_S)
            assert waiting(to.organization_id) == 1
        finally:
            with owner() as db:
                db.execute(text(rename.format(*names[::-1])))
        until(lambda: waiting(to.organization_id) == 0)


def test_a_worker_whose_listening_connection_is_dead_without_an_error_keeps_its_pace():
    to, org = sender(make.organization(), "calendly"), make.organization()
    with swallowing(role_url(WORKER_ROLE)) as proxy:
        through = role_url(WORKER_ROLE).set(host="127.0.0.1", port=proxy.port)
        worker = subprocess.Popen(
            [sys.executable, "-m", "jobs", "worker"],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"DATABASE_WORKER_URL": through.render_as_string(hide_password=False)},
        )
        try:
            stored(to)
            until(lambda: waiting(to.organization_id) == 0)
            with as_system(org) as db:
                attribute_event.later(db, uuid4())
            until(lambda: not jobs_of(org))
            stored(to)
            until(lambda: waiting(to.organization_id) == 0, within_s=5)
            with as_system(org) as db:
                attribute_event.later(db, uuid4())
            until(lambda: not jobs_of(org), within_s=5)
            assert proxy.deaf
        finally:
            worker.terminate()
            worker.wait(30)


def jobs_of(org):
    with as_system(org) as db:
        query = "select id from jobs.procrastinate_jobs where args->>'organization_id' = :org"
        return db.scalars(text(query), {"org": str(org)}).all()
