"""What runs beside an erasure brings nothing back, and neither waits for the other for ever."""

from threading import Thread

import pytest
from sqlalchemy import select, text

from core.deliveries.models import ConnectionActivity, WebhookDelivery
from core.platform.database import as_system
from jobs.runs import recorded
from tests.operations.petronella import EMAIL
from tests.ports import somebody_waits, until


@pytest.mark.parametrize("at", [10, 470], ids=["whole", "cut"])
def test_a_job_that_fails_just_after_an_erasure_mentions_nobody(case, at):
    def job():
        with recorded(case.org, "any", 1):
            case.erase()
            raise ValueError(f"{'-' * at} {EMAIL} is not known")

    with pytest.raises(ValueError, match="petronella"):
        job()
    assert case.mentions() == set()


def erasing(case):
    """The erasure in a thread of its own, and what it raised."""
    raised = []

    def run():
        try:
            case.erase()
        except Exception as error:
            raised.append(error)

    return Thread(target=run), raised


def test_a_worker_that_counts_deliveries_of_two_connections_and_an_erasure_take_turns(case):
    first, second = sorted((case.calendly, case.stripe))
    with as_system(case.org) as db:
        for connection in (second, first):  # as they stand in the table: the second one first
            db.execute(
                text(
                    "update app.connection_activity set last_error = :words"
                    " where connection_id = :id"
                ),
                {"words": f"cannot be read: {EMAIL}", "id": connection},
            )
    erasure, raised = erasing(case)
    with as_system(case.org) as db:
        count(db, first)
        erasure.start()
        until(somebody_waits)
        count(db, second)
    erasure.join()
    assert raised == []
    assert case.mentions() == set()


def count(db, connection):
    """As a worker that takes deliveries counts them, in the order of the connections."""
    db.execute(
        text(
            "update app.connection_activity set webhook_count = webhook_count + 1"
            " where connection_id = :id"
        ),
        {"id": connection},
    )


def test_a_worker_that_takes_a_delivery_and_then_counts_it_and_an_erasure_take_turns(case):
    with as_system(case.org) as db:
        activity = db.scalars(select(ConnectionActivity)).all()
        for each in activity:
            each.last_error = f"cannot be read: {EMAIL}"
    erasure, raised = erasing(case)
    with as_system(case.org) as db:
        hers = select(WebhookDelivery.id).where(WebhookDelivery.connection_id == case.calendly)
        db.scalars(hers.with_for_update()).all()
        erasure.start()
        until(somebody_waits)
        count(db, case.calendly)
    erasure.join()
    assert raised == []
    assert case.mentions() == set()
