"""A stored delivery is processed, retried, set aside with its reason, and replayed; none is
forgotten.
"""

import json
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import DBAPIError

from core.bookings.models import Event
from core.deliveries import queries
from core.deliveries import queue as queue_of_deliveries
from core.deliveries.actions import replay
from core.deliveries.models import ConnectionActivity, JobRun, WebhookDelivery
from core.operations.person_erasure import erase_person
from core.operations.trial_delivery import send_test_delivery
from core.people.actions import Person, find_or_make_contact
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import WORKER_ROLE, as_system, engine
from core.platform.queue import enqueue
from core.platform.tasks import TASKS
from core.providers import processing
from core.providers.delivery_failures import MAX_FAILURES
from core.providers.payloads import example, payload
from core.providers.processing import work_off
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


@contextmanager
def events_that_raise(state, words="none"):
    """Makes every new event raise this error for the length of the block."""
    with owner() as db:
        db.execute(text(RAISING.format(words, state)))
    try:
        yield
    finally:
        with owner() as db:
            db.execute(text("drop function app.raise_in_this_test cascade"))


RAISING = """
    create function app.raise_in_this_test() returns trigger language plpgsql as
      $$ begin raise exception using message = '{}', errcode = '{}'; end $$;
    create trigger raise_in_this_test before insert on app.events for each row
      execute function app.raise_in_this_test()
"""
LOOK = """
    explain (analyze, buffers, format json) select app.organizations_with_deliveries_due()
"""
WAITING = """
    insert into app.webhook_deliveries (organization_id, connection_id, provider, delivery_key,
      headers, body, due_at, failures)
    select :org, :connection, 'calendly', n::text, '{{}}', '', {}
      from generate_series(1, 20000) n
"""


def flood(database, values, *, is_known):
    """A new organisation with thousands of deliveries that wait, with these values."""
    org = make.organization()
    to = sender(org, "calendly")
    with owner() as db:
        db.execute(text(WAITING.format(values)), {"org": org, "connection": to.connection_id})
    if is_known:
        with psycopg.connect(database, autocommit=True) as db:
            db.execute("vacuum analyze app.webhook_deliveries")
    return org


def due(org, **values):
    """Makes the organisation's waiting deliveries due now, and sets these columns."""
    with as_system(org) as db:
        db.execute(update(WebhookDelivery).values(due_at=func.now(), **values))


def work_off_all(org):
    while work_off(org):
        pass


def booked(org, to, email):
    call = SampleBooking(email, now())
    return keep(org, to, json.dumps(calendly_created(call)).encode())


def statuses(org):
    with as_system(org) as db:
        in_order = select(WebhookDelivery.status).order_by(WebhookDelivery.received_at)
        return db.scalars(in_order).all()


def test_a_delivery_that_means_nothing_to_us_is_ignored_with_its_reason_and_counted_once(org):
    kept = keep(org, sender(org, "calendly"))
    work_off_all(org)
    with as_system(org) as db:
        replay(db, kept)
    work_off_all(org)
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
    work_off_all(org)
    done = delivery(org, kept)
    assert done.status in ("dead", "ignored")
    assert done.last_error


def test_one_of_a_provider_that_is_gone_is_set_aside_and_stops_no_other(org):
    to = sender(org, "calendly")
    gone, kept = keep(org, to), keep(org, to)
    with as_system(org) as db:
        named = update(WebhookDelivery).where(WebhookDelivery.id == gone)
        db.execute(named.values(provider="lantern"))
    work_off_all(org)
    assert (delivery(org, gone).status, delivery(org, kept).status) == ("dead", "ignored")
    assert "lantern are received no more" in delivery(org, gone).last_error


def test_a_delivery_whose_every_attempt_fails_is_set_aside_and_a_replay_processes_it(org):
    kept = booked(org, sender(org, "calendly"), "lead.one@example.com")
    with events_refused("lead.one@example.com"):
        for attempt in range(1, MAX_FAILURES + 1):
            assert delivery(org, kept).status == "pending"
            due(org)
            work_off(org)
            assert delivery(org, kept).attempts == attempt

    dead = delivery(org, kept)
    assert (dead.status, dead.attempts) == ("dead", MAX_FAILURES)
    assert "refused_in_this_test" in dead.last_error
    assert activity(org) == (1, dead.last_error)
    with as_system(org) as db:
        assert [letter.id for letter in queries.dead_letters(db)] == [kept]
        replay(db, kept)
    work_off_all(org)
    assert delivery(org, kept).status == "processed"
    assert activity(org).webhook_count == 1


def test_what_failed_waits_longer_each_time_and_is_not_taken_before(org):
    kept = booked(org, sender(org, "calendly"), "lead.one@example.com")
    pauses = []
    with events_refused("lead.one@example.com"):
        for _ in range(3):
            due(org)
            work_off(org)
            pauses.append((delivery(org, kept).due_at - now()).total_seconds())
            assert work_off(org) == 0
    assert [round(pause / 2) for pause in pauses] == [1, 2, 4]


def test_a_delivery_that_kills_every_worker_is_tried_alone_and_set_aside(org):
    to = sender(org, "calendly")
    kept = keep(org, to)
    others = [keep(org, to) for _ in range(3)]
    with as_system(org) as db:  # taken together by a worker that is killed
        assert len(queue_of_deliveries.take(db)) == 4
    for _ in range(1, MAX_FAILURES):
        due(org)
        with as_system(org) as db:  # by others that are killed by it, too
            [taken] = queue_of_deliveries.take_failed(db)
            assert queue_of_deliveries.take(db) == []
    assert (taken.id, taken.failures) == (kept, MAX_FAILURES)
    due(org)
    work_off_all(org)
    assert {delivery(org, each).status for each in others} == {"ignored"}
    assert (delivery(org, kept).status, delivery(org, kept).last_error) == (
        "dead",
        "no attempt came to an end",
    )


@pytest.mark.parametrize("state", ["53100", "53200", "53300", "57P01", "57P02"])
@pytest.mark.parametrize("failed_before", [0, 3])
def test_while_the_database_is_short_of_something_or_stops_deliveries_wait_without_having_failed(
    org, state, failed_before
):
    to = sender(org, "calendly")
    kept = [booked(org, to, f"lead.{number}@example.com") for number in ("one", "two")]
    due(org, failures=failed_before)
    with events_that_raise(state):
        for _ in range(2):
            with pytest.raises(DBAPIError):
                work_off(org)
    waiting = [delivery(org, each) for each in kept]
    assert [(each.status, each.failures) for each in waiting] == [("pending", failed_before)] * 2
    assert {each.last_error for each in waiting} == {None}
    work_off_all(org)
    assert statuses(org) == ["processed"] * 2


def test_while_somebody_holds_the_books_deliveries_wait_without_having_failed(org):
    to = sender(org, "calendly")
    kept = booked(org, to, "lead.one@example.com")
    with as_system(org) as db:
        lock_books(db)
        assert work_off(org) == 1
        waits = delivery(org, kept)
        assert (waits.status, waits.failures, waits.last_error) == ("pending", 0, None)
    due(org)
    work_off_all(org)
    assert delivery(org, kept).status == "processed"


def untried(org):
    """How many wait without having failed."""
    with as_system(org) as db:
        waits = WebhookDelivery.status == "pending", WebhookDelivery.failures == 0
        return len(db.scalars(select(WebhookDelivery.id).where(*waits)).all())


def test_a_turn_without_time_gets_on_and_puts_the_rest_back_without_having_failed(org, monkeypatch):
    monkeypatch.setattr(processing, "TURN_S", -1.0)
    to = sender(org, "calendly")
    emails = [f"lead.{number}@example.com" for number in range(5)]
    for email in emails:
        booked(org, to, email)
    left = len(emails)
    with events_refused(emails[0]):
        while left:
            work_off(org)
            before, left = left, untried(org)
            assert left < before
    assert statuses(org) == ["pending", *["processed"] * 4]


@pytest.mark.parametrize(
    "content",
    [
        [{"email": "jane@example.com"}],
        {"event": "test", "payload": {"description": "For jane@example.com, who asked."}},
        {"event": "test", "payload": {"to": "Jane Doe <Jane@Example.com>"}},
    ],
    ids=["no delivery", "in a sentence", "with a name"],
)
def test_nothing_of_somebody_who_was_erased_stays_in_a_delivery_that_mentions_them(org, content):
    admin, to = make.viewer(org), sender(org, "calendly")
    with as_system(org) as db:
        find_or_make_contact(db, Person("Jane Doe", "jane@example.com"), "US")
    with admin.transaction() as db:
        erase_person(db, "jane@example.com", typed="jane@example.com")
    kept = keep(org, to, json.dumps(content).encode())
    work_off_all(org)
    assert b"jane" not in delivery(org, kept).body.lower()


@contextmanager
def after_a_failure(act):
    """Does ``act`` when an event was refused, before the worker says so anywhere."""
    refused = []

    def watch(_connection, _cursor, statement, *_):
        if refused == [True]:
            refused.append(False)
            act()
        if not refused and " ".join(statement.lower().split()).startswith("insert into app.events"):
            refused.append(True)

    event.listen(engine(WORKER_ROLE), "before_cursor_execute", watch)
    try:
        yield
    finally:
        event.remove(engine(WORKER_ROLE), "before_cursor_execute", watch)


def test_no_reason_mentions_somebody_who_is_erased_just_before_it_is_written(org):
    admin, to = make.viewer(org), sender(org, "calendly")
    with as_system(org) as db:
        find_or_make_contact(db, Person("Jane Doe", "jane@example.com"), "US")
    kept = booked(org, to, "jane@example.com")

    def erase():
        with admin.transaction() as db:
            erase_person(db, "jane@example.com", typed="jane@example.com")

    with events_that_raise("P0001", "nothing of ' || new.lead_email || '"), after_a_failure(erase):
        work_off(org)
    done = delivery(org, kept)
    assert (done.failures, done.last_error.partition(":")[0]) == (1, "the database refused it")
    assert "jane" not in done.last_error + activity(org).last_error + str(done.history)
    assert b"jane" not in done.body.lower()


def test_words_of_any_length_are_stored_cut(org):
    kept = keep(org, sender(org, "calendly"), json.dumps({"event": "x" * 10_000}).encode())
    work_off_all(org)
    done = delivery(org, kept)
    assert (len(done.event_type), len(done.last_error)) == (255, 500)


def test_what_a_killed_worker_had_in_hand_is_taken_again_when_its_lease_is_over(org):
    kept = keep(org, sender(org, "calendly"))
    with as_system(org) as db:
        assert [each.id for each in queue_of_deliveries.take(db)] == [kept]
    assert work_off(org) == 0
    assert timedelta() < delivery(org, kept).due_at - now() <= queue_of_deliveries.LEASE
    due(org)
    assert work_off(org) == 1
    assert delivery(org, kept).status == "ignored"


@pytest.mark.parametrize("place", [0, 3, 6])
def test_one_that_cannot_be_worked_off_delays_no_other_of_its_batch(org, place):
    to = sender(org, "calendly")
    emails = [f"lead.{number}@example.com" for number in range(7)]
    for email in emails:
        booked(org, to, email)
    with events_refused(emails[place]):
        assert work_off(org) == 7
    assert statuses(org) == ["pending" if each == place else "processed" for each in range(7)]
    with as_system(org) as db:
        found = set(db.scalars(select(Event.lead_email)))
    assert found == {email for email in emails if email != emails[place]}


def test_new_deliveries_overtake_those_that_are_replayed(org, monkeypatch):
    monkeypatch.setattr(queue_of_deliveries, "MOST", 2)
    to = sender(org, "calendly")
    old = [keep(org, to) for _ in range(3)]
    work_off_all(org)
    with as_system(org) as db:
        for each in old:
            replay(db, each)
    new = [keep(org, to) for _ in range(2)]
    with as_system(org) as db:
        assert {each.id for each in queue_of_deliveries.take(db)} == set(new)
        assert {each.id for each in queue_of_deliveries.take(db)} == set(old[:2])


def test_a_batch_is_limited_by_the_size_of_its_bodies_too(org, monkeypatch):
    monkeypatch.setattr(queue_of_deliveries, "MOST_BYTES", 2_000)
    to, large = sender(org, "calendly"), json.dumps({"event": "x" * 1_500}).encode()
    for _ in range(3):
        keep(org, to, large)
    sizes = []
    while taken := work_off(org):
        sizes.append(taken)
    assert sizes == [2, 1]
    assert statuses(org) == ["ignored"] * 3


def test_two_workers_take_different_deliveries(org):
    to = sender(org, "calendly")
    kept = [keep(org, to) for _ in range(2)]
    with as_system(org) as first, as_system(org) as second:
        mine = queue_of_deliveries.take(first)
        assert queue_of_deliveries.take(second) == []
    assert {each.id for each in mine} == set(kept)


def test_an_organisation_is_waiting_while_it_has_deliveries_that_are_due(org):
    to = sender(org, "calendly")
    assert org not in queue_of_deliveries.organizations_waiting()
    kept = keep(org, to)
    assert org in queue_of_deliveries.organizations_waiting()
    with as_system(org) as db:
        queue_of_deliveries.put_off(db, kept, timedelta(minutes=1))
    assert org not in queue_of_deliveries.organizations_waiting()
    due(org)
    work_off_all(org)
    assert org not in queue_of_deliveries.organizations_waiting()


@pytest.mark.parametrize(
    "others",
    [
        "clock_timestamp() - interval '1 hour', 0",
        "clock_timestamp() - interval '1 hour', 1",
        "clock_timestamp() + interval '1 hour', 0",
        "clock_timestamp() + interval '1 hour', 1",
        "null, 0",
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_look_reads_a_few_pages_however_many_wait_for_what(quiet_database, others, is_known):
    """Whether the planner knows of them already, or only of those of another organisation."""
    for values in ["null, 0", "clock_timestamp() + interval '1 hour', 1"]:
        flood(quiet_database, values, is_known=True)
    org = flood(quiet_database, others, is_known=is_known)
    asked = {"most": 1, "bytes": 1, "lease": timedelta()}
    with as_system(org) as db:
        db.execute(queue_of_deliveries.IN_ORDER)
        for look in (queue_of_deliveries.TAKE_NEW, queue_of_deliveries.TAKE_FAILED):
            explained = text(f"explain (analyze, buffers, format json) {look.text}")
            [plan] = db.execute(explained, asked).scalar_one()
            assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 100
    with owner() as db:
        db.execute(text("set local role so_definer"))
        db.execute(text(LOOK))  # the first one reads the catalogue as well
        [plan] = db.execute(text(LOOK)).scalar_one()
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 100


@pytest.mark.parametrize("pause", [timedelta(), timedelta(microseconds=1)])
def test_those_put_back_come_before_what_is_newer_and_replays_after_it(org, monkeypatch, pause):
    to = sender(org, "calendly")
    replayed, *first = [keep(org, to) for _ in range(3)]
    with as_system(org) as db:
        queue_of_deliveries.take(db)
    with as_system(org) as db:
        queue_of_deliveries.put_back(db, [*first, replayed], pause)
    with as_system(org) as db:
        replay(db, replayed)
    newer = keep(org, to)
    monkeypatch.setattr(queue_of_deliveries, "MOST", 1)
    with as_system(org) as db:
        taken = [each.id for _ in range(4) for each in queue_of_deliveries.take(db)]
    assert taken == [*first, newer, replayed]


def test_a_failing_job_waits_for_its_next_try_and_leaves_a_row(org):
    with as_system(org) as db:
        send_test_delivery.later(db, org)
        enqueue(db, "attribute_event", {"event_id": "no id"})
    work()
    with as_system(org) as db:
        runs = db.execute(
            select(JobRun.task, JobRun.attempt, JobRun.error).order_by(JobRun.task)
        ).all()
        waiting = db.scalars(
            text(
                "select task_name from jobs.procrastinate_jobs where status = 'todo'"
                " and args->>'organization_id' = :org"
            ),
            {"org": str(org)},
        ).all()
    assert runs == [
        ("attribute_event", 1, "ValueError: badly formed hexadecimal UUID string"),
        ("send_test_delivery", 1, "NotFound: There is no such connection."),
    ]
    assert waiting == ["attribute_event"]


def test_every_task_is_known_to_the_queue():
    assert set(TASKS) <= set(queue().tasks)


def test_an_amount_that_cannot_be_understood_is_set_aside_at_once_with_a_sentence(org):
    to = sender(org, "whop")
    sent = payload("whop", "payment.succeeded", example())
    sent["data"]["total"]["amount"] = "a lot"
    waiting = keep(org, to, json.dumps(sent).encode())
    with as_system(org) as db:
        db.execute(update(WebhookDelivery).values(provider="whop"))
    work_off_all(org)
    done = delivery(org, waiting)
    assert (done.status, done.last_error) == (
        "dead",
        "cannot be read: the total “a lot” is not a number",
    )
