"""Background tasks are declared beside their functions, found by name, and enqueued through
them.
"""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.bookings.models import CallStatus, Event
from core.bookings.tasks import attribute_event
from core.deliveries.channels import CHANNELS
from core.deliveries.sending import send_outbox
from core.messages.account_emails import send_password_reset
from core.money import attribution
from core.money.models import Payment
from core.operations.trial_delivery import send_test_delivery
from core.platform import tasks
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import as_guest, as_system
from core.platform.tasks import TASKS, TICKS, by, declare, implements, task, tick
from core.providers.integrations import verify_integration
from core.providers.syncs import run_sync
from jobs.schedule import scheduler
from tests import factories as make
from tests.flow import work

ROOT = Path(__file__).parents[2]
# Jobs of these names may wait in a database that is upgraded.
NAMES = {
    "attribute_all",
    "attribute_event",
    "attribute_events",
    "attribute_payment",
    "forget_deliveries",
    "post_reports",
    "send_outbox",
    "send_password_changed",
    "send_password_reset",
    "send_test_delivery",
    "sweep_deliveries",
    "verify_integration",
    "verify_integrations",
}
NAMED_IN_SQL = (
    re.compile(r"enqueue_account_mail\(\s*'(\w+)'"),
    re.compile(r"app\.enqueue\(\s*'\w+',\s*'(\w+)'"),
    re.compile(
        r"into jobs\.procrastinate_jobs[^;]*?(?:values\s*\(|select\s+)'\w+',\s*'(\w+)'", re.DOTALL
    ),
)


@pytest.fixture
def org():
    return make.organization()


@pytest.fixture
def undeclared(monkeypatch):
    """Removes what a test declared."""
    monkeypatch.setattr(tasks, "TASKS", dict(TASKS))
    monkeypatch.setattr(tasks, "TICKS", list(TICKS))


def jobs_of(org):
    with as_system(org) as db:
        return db.execute(
            text("""
            select task_name, queueing_lock, priority, scheduled_at, args
              from jobs.procrastinate_jobs where args->>'organization_id' = :org order by id
        """),
            {"org": str(org)},
        ).all()


def test_no_name_that_may_wait_in_a_queue_is_lost_and_each_has_its_function():
    assert set(TASKS) >= NAMES
    assert [name for name, declared in TASKS.items() if declared.function is None] == []
    assert set(CHANNELS) >= {"slack", "email", "sms"}


def test_every_task_that_sql_names_is_declared():
    scripts = [path.read_text() for path in ROOT.glob("core/**/*.sql")]
    named = {name for sql in scripts for names in NAMED_IN_SQL for name in names.findall(sql)}
    assert {"send_password_reset", "send_password_changed"} <= named
    assert named <= set(TASKS)


def test_every_schedule_is_the_clocks():
    scheduled = {name for name, declared in TASKS.items() if declared.options.schedule}
    ordered = {job.name for job in scheduler().get_jobs()}
    assert scheduled >= {"sweep_deliveries", "post_reports", "verify_integrations"}
    assert ordered == scheduled | {each.run.__name__ for each in TICKS}


def test_work_is_enqueued_through_its_function_for_the_transactions_organisation(org):
    event_id, at = uuid4(), now() + timedelta(hours=1)
    with as_system(org) as db:
        assert attribute_event.later(db, event_id)
        assert not attribute_event.later(db, event_id=event_id)
        assert attribute_event.later(db, org)
        assert send_outbox.later_at(db, at, event_id)
    assert attribute_event is attribution.attribute_event
    [first, second, third] = jobs_of(org)
    assert first.queueing_lock == f"attribute_event {event_id}"
    assert first.args == {"organization_id": str(org), "event_id": str(event_id)}
    assert second.queueing_lock == f"attribute_event {org}"
    assert (third.task_name, third.queueing_lock, third.scheduled_at) == ("send_outbox", None, at)


def test_ids_may_come_as_a_list_and_arrive_as_ids(org, undeclared):
    seen = []

    @task()
    def look_at(organization_id: UUID, ids: list[UUID]) -> None:
        seen.append((organization_id, ids))

    asked = [uuid4(), uuid4()]
    with as_system(org) as db:
        look_at.later(db, asked)
    [job] = jobs_of(org)
    args = {name: value for name, value in job.args.items() if name != "organization_id"}
    look_at.run(org, 1, args)
    assert seen == [(org, asked)]


def test_a_change_that_finds_its_work_waiting_is_seen_by_that_work(org):
    """A worker that takes the job before the change commits would not see it, and nobody would look
    again.
    """
    with as_system(org) as db:
        event = make.event(db, org)
        payment_id = make.payment(db, org).id
        assert attribute_event.later(db, event.id)
    with as_system(org) as db:
        lock_books(db)
        db.get_one(Event, (org, event.id)).call_status = CallStatus.CANCELED
        db.flush()
        assert not attribute_event.later(db, event.id)
        work()
        assert len(jobs_of(org)) == 1
    work()
    assert jobs_of(org) == []
    with as_system(org) as db:
        assert "cancelled" in db.get_one(Payment, (org, payment_id)).attribution_reason


def test_without_an_organisation_nothing_is_enqueued():
    with pytest.raises(DBAPIError, match="one's own organisation only"), as_guest() as db:
        attribute_event.later(db, uuid4())


def test_arguments_are_those_of_the_function_and_never_the_attempt(org):
    with as_system(org) as db:
        for wrong in ((), (org, org)):
            with pytest.raises(TypeError):
                send_outbox.later(db, *wrong)
        with pytest.raises(TypeError):
            send_outbox.later(db, org, attempt=2)
    assert jobs_of(org) == []


def test_who_waits_for_an_answer_waits_for_one_attempt():
    once = {name for name, declared in TASKS.items() if not declared.options.retry}
    assert once == {verify_integration.name, send_test_delivery.name, run_sync.name}


def test_a_worker_gives_each_function_what_it_takes(org, undeclared):
    ran = []

    @task(name="in_a_transaction")
    def with_db(db, thing):
        ran.append((db.execute(text("select app.cur_org()")).scalar(), thing))

    @task()
    def on_its_own(organization_id, *, attempt=1):
        ran.append((organization_id, attempt))

    with_db.run(org, 3, {"thing": 5})
    on_its_own.run(org, 3, {})
    assert ran == [(org, 5), (org, 3)]


def test_an_id_that_may_be_absent_comes_back_as_it_was(org):
    person = uuid4()
    assert send_password_reset.run(org, 1, {"user_id": None}) is None
    assert send_password_reset.run(org, 1, {"user_id": str(person)}) is None


def test_a_name_belongs_to_one_task_and_a_declaration_to_one_function(undeclared):
    def attribute_event(db, event_id):
        raise AssertionError

    with pytest.raises(ValueError, match="Two tasks"):
        task()(attribute_event)
    with pytest.raises(ValueError, match="implemented twice"):
        implements(attribution.attribute_event)(attribute_event)
    with pytest.raises(ValueError, match="every= or cron="):
        tick()

    @declare(once=by("event_id"))
    def not_written_yet(db, event_id):
        """A declared task that nobody implements."""

    with pytest.raises(RuntimeError, match="not_written_yet"):
        not_written_yet(None, None)


def test_a_declaration_takes_the_options_of_a_task(undeclared):
    options = {"name": "renamed", "retry": False, "log_success": True, "priority": 5}

    @declare(**options, once=by("event_id"))
    def declared_below(db, event_id):
        """A declared task that is implemented at once."""

    def written_above(db, event_id):
        return event_id

    assert implements(declared_below)(written_above) is tasks.TASKS["renamed"]
    whole = task(**options | {"name": "whole"}, once=declared_below.options.once)(written_above)
    assert replace(declared_below.options, name="whole") == whole.options


def test_what_the_database_enqueues_by_itself_is_a_task():
    enqueues = re.compile(r"enqueue_account_mail\('(\w+)'")
    scripts = [path.read_text() for path in (ROOT / "core").rglob("*.sql")]
    named = {name for script in scripts for name in enqueues.findall(script)}
    assert named == {"send_password_reset", "send_password_changed"}
    assert named <= TASKS.keys()
