"""A stored delivery is processed, retried, set aside with its reason, and replayed; none is
forgotten.
"""

import json
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from core.deliveries import queries
from core.deliveries.actions import replay
from core.deliveries.models import ConnectionActivity, JobRun, WebhookDelivery
from core.deliveries.sweeps import sweep_deliveries
from core.operations.samples import send_test_delivery
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.queue import enqueue
from core.platform.tasks import MAX_ATTEMPTS, TASKS
from core.providers.payloads import example, payload
from core.providers.processing import process_delivery
from jobs.queue import queue
from tests import factories as make
from tests.flow import sender, work
from tests.payloads import SampleBooking, calendly_created
from tests.ports import owner


@pytest.fixture
def org():
    return make.organization()


def keep(org, to, body=b'{"event":"test"}', **values):
    with as_system(org) as db:
        delivery = WebhookDelivery(
            organization_id=org,
            connection_id=to.connection_id,
            provider="calendly",
            delivery_key=str(uuid4()),
            headers={},
            body=body,
            **values,
        )
        db.add(delivery)
        db.flush()
        return delivery.id


def delivery(org, delivery_id):
    with as_system(org) as db:
        return db.scalars(select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)).one()


def activity(org):
    with as_system(org) as db:
        return db.execute(
            select(ConnectionActivity.webhook_count, ConnectionActivity.last_error)
        ).one()


@contextmanager
def events_refused(email):
    """Makes the database refuse events of this lead for the length of the block."""
    with owner() as db:
        db.execute(
            text(
                "alter table app.events add constraint refused_in_this_test check (lead_email <>"
                f" '{email}') not valid"
            )
        )
    try:
        yield
    finally:
        with owner() as db:
            db.execute(text("alter table app.events drop constraint refused_in_this_test"))


def waiting_jobs(org):
    with as_system(org) as db:
        query = (
            "select task_name from jobs.procrastinate_jobs where args->>'organization_id' = :org"
            " and status = 'todo'"
        )
        return db.scalars(text(query), {"org": str(org)}).all()


def test_a_delivery_that_means_nothing_to_us_is_ignored_with_its_reason_and_counted_once(org):
    kept = keep(org, sender(org, "calendly"))
    process_delivery(org, kept)
    process_delivery(org, kept)
    done = delivery(org, kept)
    assert (done.status, done.last_error, done.event_type) == (
        "ignored",
        "“test” is not about a booking",
        "test",
    )
    assert activity(org) == (1, None)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b"{}", b'{"event":"invitee.created"}', b"[" * 100_000]
)
def test_what_cannot_be_read_is_set_aside_at_once(org, body):
    kept = keep(org, sender(org, "calendly"), body)
    process_delivery(org, kept)
    done = delivery(org, kept)
    assert done.status in ("dead", "ignored")
    assert done.last_error


def test_a_delivery_whose_every_attempt_fails_is_set_aside_and_a_replay_processes_it(org):
    to = sender(org, "calendly")
    call = SampleBooking("lead.one@example.com", now())
    kept = keep(org, to, json.dumps(calendly_created(call)).encode())
    with events_refused(call.email):
        for attempt in range(1, MAX_ATTEMPTS):
            with pytest.raises(DBAPIError):
                process_delivery(org, kept, attempt=attempt)
            assert delivery(org, kept).status == "pending"
        process_delivery(org, kept, attempt=MAX_ATTEMPTS)

    dead = delivery(org, kept)
    assert (dead.status, dead.attempts) == ("dead", MAX_ATTEMPTS)
    assert "refused_in_this_test" in dead.last_error
    assert activity(org) == (1, dead.last_error)
    with as_system(org) as db:
        assert [letter.id for letter in queries.dead_letters(db)] == [kept]
        replay(db, kept)
    work()
    assert delivery(org, kept).status == "processed"
    assert activity(org).webhook_count == 1


def test_a_delivery_that_kills_every_worker_is_set_aside(org):
    kept = keep(org, sender(org, "calendly"))
    process_delivery(org, kept, attempt=MAX_ATTEMPTS + 1)
    assert (delivery(org, kept).status, delivery(org, kept).last_error) == (
        "dead",
        "no attempt came to an end",
    )


def test_the_sweep_finds_deliveries_without_a_job_and_no_others(org):
    to, long_ago = sender(org, "calendly"), now() - timedelta(minutes=6)
    forgotten = keep(org, to, received_at=long_ago)
    assert sweep_deliveries(org) == 1
    assert waiting_jobs(org) == ["process_delivery"]
    assert sweep_deliveries(org) == 0
    work()
    assert delivery(org, forgotten).status == "ignored"
    assert sweep_deliveries(org) == 0


def test_a_failing_job_waits_for_its_next_try_and_leaves_a_row(org):
    with as_system(org) as db:
        send_test_delivery.later(db, org)
        enqueue(db, "process_delivery", {"delivery_id": "no id"})
    work()
    with as_system(org) as db:
        runs = db.execute(
            select(JobRun.task, JobRun.attempt, JobRun.error).order_by(JobRun.task)
        ).all()
    assert runs == [
        ("process_delivery", 1, "ValueError: badly formed hexadecimal UUID string"),
        ("send_test_delivery", 1, "NotFound: There is no such connection."),
    ]
    assert waiting_jobs(org) == ["process_delivery"]


def test_every_task_is_known_to_the_queue():
    assert set(TASKS) <= set(queue().tasks)


def test_an_amount_that_cannot_be_understood_is_set_aside_at_once_with_a_sentence(org):
    to = sender(org, "whop")
    sent = payload("whop", "payment.succeeded", example())
    sent["data"]["total"]["amount"] = "a lot"
    waiting = keep(org, to, json.dumps(sent).encode())
    with as_system(org) as db:
        db.execute(update(WebhookDelivery).values(provider="whop"))
    process_delivery(org, waiting)
    done = delivery(org, waiting)
    assert (done.status, done.last_error) == (
        "dead",
        "cannot be read: the total “a lot” is not a number",
    )
