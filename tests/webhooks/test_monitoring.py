"""The figures for Prometheus: how much waits and for how long, what fails, how the database
responds; never an organisation's data.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from core.bookings.tasks import attribute_event
from core.deliveries.models import JobRun, WebhookDelivery
from core.deliveries.sending import send_outbox
from core.platform.clock import now
from core.platform.database import as_guest, as_system
from tests import factories as make
from tests.flow import post, sender
from tests.ports import owner

NAME = re.compile(r"salesops_[a-z_]+")


@pytest.fixture
def org():
    """An organisation, in an installation where nothing waits."""
    with owner() as db:
        db.execute(text("set local search_path = jobs"))
        db.execute(text("delete from procrastinate_events"))
        db.execute(text("delete from procrastinate_jobs"))
        db.execute(text("update app.webhook_deliveries set status = 'ignored'"))
        db.execute(text("delete from app.job_runs"))
    return make.organization()


@pytest.fixture
def figures(running):
    """The figures, read over HTTP: a function that returns them by name and label."""

    def read():
        answer = running(lambda: post("/metrics", method="GET"))
        assert answer.status_code == 200
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if NAME.fullmatch(sample.name)
        }

    return read


def age(job, seconds):
    with owner() as db:
        db.execute(text("set local search_path = jobs"))
        db.execute(
            text(
                "update procrastinate_jobs set scheduled_at = now() - make_interval(secs => :s)"
                " where task_name = :job"
            ),
            {"s": seconds, "job": job},
        )


def test_where_nothing_waits_every_figure_is_zero(org, figures):
    found = figures()
    for state in ("todo", "doing", "failed"):
        assert found["salesops_jobs", state] == 0
    assert found[("salesops_oldest_waiting_job_age_seconds",)] == 0
    assert found[("salesops_pending_deliveries",)] == 0
    assert found[("salesops_oldest_pending_delivery_age_seconds",)] == 0


def test_the_queue_is_counted_by_state_and_its_oldest_due_job_has_an_age(org, figures):
    with as_system(org) as db:
        attribute_event.later(db, uuid4())
        attribute_event.later(db, uuid4())
        send_outbox.later_at(db, now() + timedelta(hours=1), uuid4())
    assert figures()["salesops_jobs", "todo"] == 3
    assert 0 < figures()[("salesops_oldest_waiting_job_age_seconds",)] < 60
    age("attribute_event", 90)
    assert 90 <= figures()[("salesops_oldest_waiting_job_age_seconds",)] < 150
    with owner() as db:
        db.execute(text("update jobs.procrastinate_jobs set status = 'failed'"))
    found = figures()
    assert (found["salesops_jobs", "todo"], found["salesops_jobs", "failed"]) == (0, 3)
    assert found[("salesops_oldest_waiting_job_age_seconds",)] == 0


def test_a_delivery_that_waits_shows_how_far_processing_lags(org, figures, running):
    to = sender(org, "stripe")
    running(lambda: to.post({"id": "evt_1", "type": "test", "data": {}}))
    assert figures()[("salesops_pending_deliveries",)] == 1
    with as_system(org) as db:
        db.query(WebhookDelivery).update({"received_at": now() - timedelta(minutes=10)})
    assert 600 <= figures()[("salesops_oldest_pending_delivery_age_seconds",)] < 660


def test_failures_of_the_last_hour_are_counted_by_task(org, figures):
    runs = [
        ("process_delivery", "ValueError", timedelta(minutes=1)),
        ("process_delivery", "ValueError", timedelta(minutes=2)),
        ("process_delivery", "ValueError", timedelta(hours=2)),
        ("forget_deliveries", None, timedelta(minutes=1)),
    ]
    with as_system(org) as db:
        for task, error, ago in runs:
            db.add(
                JobRun(
                    organization_id=org, task=task, attempt=1, started_at=now() - ago, error=error
                )
            )
    failures = {key[1]: value for key, value in figures().items() if key[0].endswith("last_hour")}
    assert failures == {"process_delivery": 2}


def test_the_database_and_the_pools_are_measured(org, figures):
    with as_system(org) as db:
        db.execute(text("select 1"))  # leaves its connection idle in the pool
    found = figures()
    assert found[("salesops_database_up",)] == 1
    assert 0 < found[("salesops_database_round_trip_seconds",)] < 5
    assert found["salesops_database_connections", "receiver", "in_use"] >= 0
    assert found["salesops_database_connections", "so_worker", "idle"] >= 1
    assert found[("salesops_database_waiting_requests",)] == 0


def test_nothing_of_an_organisation_is_said_and_every_figure_says_what_it_is(org, running):
    to = sender(org, "stripe")
    running(lambda: to.post({"id": "evt_2", "type": "test", "data": {}}))
    said = running(lambda: post("/metrics", method="GET")).text
    assert str(org) not in said
    assert str(to.connection_id) not in said
    ours = [family for family in text_string_to_metric_families(said) if NAME.match(family.name)]
    assert len(ours) >= 9
    assert all(family.documentation for family in ours)


def test_a_database_that_is_away_leaves_the_counters_and_says_so():
    answer = asyncio.run(post("/metrics", method="GET"))  # the pool is not open
    found = {family.name for family in text_string_to_metric_families(answer.text)}
    assert answer.status_code == 200
    assert "salesops_database_up 0.0" in answer.text
    assert "salesops_deliveries" in found
    assert "salesops_jobs" not in found


def test_people_cannot_ask_for_the_figures(org):
    with pytest.raises(Exception, match="permission denied"), as_guest() as db:
        db.execute(text("select * from app.work_figures()"))
