"""Deliveries that arrive together share a round trip, and nothing else."""

import asyncio
from collections import Counter
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select, text, update

from core.deliveries.models import WebhookDelivery
from core.platform import database
from core.platform.database import as_system
from tests import factories as make
from tests.flow import sender
from tests.ports import owner
from tests.webhooks.deliveries import kept, payload
from webhooks import batch_writer

MANY = """
    insert into app.webhook_deliveries
      (organization_id, connection_id, provider, delivery_key, headers, body)
    select :org, :connection, 'stripe', 'known ' || n, '{}', repeat('x', 900)::bytea
      from generate_series(0, 4999) n
"""
FORGET_STATISTICS = """
    select pg_clear_attribute_stats('app', 'webhook_deliveries', attname, false)
      from pg_attribute
     where attrelid = 'app.webhook_deliveries'::regclass and attnum > 0 and not attisdropped
"""


@pytest.mark.parametrize("together", [1, 3, 64])
def test_of_many_at_once_each_is_answered_for_itself(running, monkeypatch, together):
    monkeypatch.setattr(batch_writer, "MAX_TOGETHER", together)
    org, other = make.organization(), make.organization()
    to, limited, elsewhere = (
        sender(org, "stripe"),
        sender(org, "stripe", rate_limit=1),
        sender(other, "whop"),
    )

    async def conversation():
        many = [to.post(payload(number % 20)) for number in range(40)]
        forged = [to.post(payload(number), content=b"{}") for number in range(5)]
        return await asyncio.gather(
            *many, *forged, *(limited.post(payload(n)) for n in range(4)), elsewhere.post(payload())
        )

    answers = [answer.status_code for answer in running(conversation)]

    assert answers[:40] == [200] * 40
    assert answers[40:45] == [401] * 5
    assert Counter(answers[45:49]) in (
        {200: 1, 429: 3},
        {200: 2, 429: 2},
    )  # two when the minute turned in between
    assert answers[49:] == [200]
    with as_system(org) as db:
        keys = db.scalars(
            select(WebhookDelivery.delivery_key).where(
                WebhookDelivery.connection_id == to.connection_id
            )
        ).all()
    assert sorted(keys) == sorted(f"evt_{number}" for number in range(20))
    assert kept(other) == 1


def test_what_is_answered_does_not_depend_on_who_else_is_in_the_batch():
    """A repeat, an outdated connection and too many, beside what is accepted."""
    org = make.organization()
    to, limited = sender(org, "stripe"), sender(org, "stripe", rate_limit=2)
    sent = [
        (to.connection_id, 1, "a"),
        (limited.connection_id, 1, "a"),
        (to.connection_id, 1, "a"),
        (to.connection_id, 2, "b"),
        (limited.connection_id, 1, "b"),
        (limited.connection_id, 1, "a"),
        (limited.connection_id, 1, "c"),
        (uuid4(), 1, "a"),
        (to.connection_id, 1, "c"),
        (limited.connection_id, 1, "d"),
    ]
    with worker() as db:
        answers = [answer for answer, _ in stored(db, sent)]
        again = [answer for answer, _ in stored(db, sent[:2])]
    assert answers == [
        *("accepted", "accepted", "repeat", "stale", "accepted"),
        *("repeat", "limited", "stale", "accepted", "limited"),
    ]
    assert again == ["repeat", "repeat"]
    assert kept(org) == 4


def test_what_is_over_the_limit_and_comes_twice_at_once_is_turned_away_twice():
    org = make.organization()
    to = sender(org, "stripe", rate_limit=1)
    with worker() as db:
        answers = stored(db, [(to.connection_id, 1, key) for key in ("a", "b", "b")])
    assert [answer for answer, _ in answers] == ["accepted", "limited", "limited"]
    assert kept(org) == 1


def test_a_repeat_waits_for_nobody_who_changes_the_one_that_is_stored():
    """As an erasure does, for as long as it takes."""
    org = make.organization()
    to = sender(org, "stripe")
    with worker() as db:
        assert [answer for answer, _ in stored(db, [(to.connection_id, 1, "a")])] == ["accepted"]
        with as_system(org) as other:
            other.execute(update(WebhookDelivery).values(last_error="being changed"))
            db.execute("set statement_timeout = '2s'")
            assert [answer for answer, _ in stored(db, [(to.connection_id, 1, "a")])] == ["repeat"]


def test_whether_a_delivery_is_known_is_found_without_reading_the_others_of_its_connection():
    """Even while Postgres has no statistics, as after a restore."""
    org = make.organization()
    to = sender(org, "stripe")
    with owner() as db:
        db.execute(text(MANY), {"org": org, "connection": to.connection_id})
        db.execute(text(FORGET_STATISTICS))
    columns = [
        [to.connection_id] * 64,
        [1] * 64,
        [f"known {4999 - n}" for n in range(64)],
        ["{}"] * 64,
    ]
    with worker() as db:
        for _ in range(2):
            plan = db.execute(
                f"explain (analyze, buffers, format json) {batch_writer.STORE}",
                [*columns, [b"{}"] * 64, [False] * 64, 6000],
            ).fetchone()[0][0]["Plan"]
    assert plan["Actual Rows"] == 64
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 64 * 20


def test_receivers_do_not_wait_for_each_others_commits():
    to = sender(make.organization(), "stripe")
    with worker() as first, another_than(first) as second:
        second.execute("set lock_timeout = '2s'")
        with first.transaction():
            assert stored(first, [(to.connection_id, 1, "a")]) == [("accepted", None)]
            assert stored(second, [(to.connection_id, 1, "b")]) == [("accepted", None)]
    assert kept(to.organization_id) == 2


def worker():
    """A connection of the receiver's role."""
    dsn = database.role_url(database.WORKER_ROLE).set(drivername="postgresql")
    return psycopg.connect(dsn.render_as_string(hide_password=False), autocommit=True)


@contextmanager
def another_than(first):
    """One whose counts are in other rows."""
    with ExitStack() as opened:
        db = opened.enter_context(worker())
        while (db.info.backend_pid - first.info.backend_pid) % 8 == 0:
            db = opened.enter_context(worker())
        yield db


def stored(db, sent):
    connections, revisions, keys = (list(column) for column in zip(*sent, strict=True))
    columns = [connections, revisions, keys, ["{}"] * len(sent), [b"{}"] * len(sent)]
    return db.execute(batch_writer.STORE, [*columns, [False] * len(sent), 6000]).fetchall()


def test_one_who_gives_up_takes_nobody_along(running):
    to = sender(make.organization(), "stripe")

    async def conversation():
        await to.post(payload(0))
        leaving, staying = (
            asyncio.create_task(to.post(payload(1))),
            asyncio.create_task(to.post(payload(2))),
        )
        while not batch_writer.busy:
            await asyncio.sleep(0)
        leaving.cancel()
        return await staying, await to.post(payload(3))

    assert [answer.status_code for answer in running(conversation)] == [200, 200]


def test_when_a_round_trip_fails_all_of_it_hear_so_and_the_next_one_goes_on(running):
    to = sender(make.organization(), "stripe")
    unknown = batch_writer.Delivery(to.connection_id, "no number", "key", "{}", b"")

    async def conversation():
        together = [batch_writer.store_delivery(unknown), batch_writer.store_delivery(unknown)]
        failed = await asyncio.gather(*together, return_exceptions=True)
        return failed, await to.post(payload())

    failed, answer = running(conversation)
    assert all(isinstance(error, psycopg.DataError) for error in failed)
    assert answer.status_code == 200
