"""Rate limits are generous to what is verified, strict to what is not, and hold across receivers;
without the limiter or the database nothing is acknowledged.
"""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from core.deliveries.actions import delete_connection, rotate_secret, set_active
from core.platform.database import as_system
from core.platform.settings import settings
from core.providers.connections import connection_path, create_connection
from core.providers.payloads import signed
from core.providers.registry import with_inbound
from tests import factories as make
from tests.flow import SECRET, Sender, sender
from tests.ports import owner
from tests.webhooks.deliveries import kept, payload, said
from tests.webhooks.receiver import receiver

HERE, ELSEWHERE = "203.0.113.7", "203.0.113.10"


def test_the_rate_limit_of_a_connection_holds_across_receivers():
    to = sender(make.organization(), "stripe", rate_limit=5)
    with receiver() as first, receiver() as second, httpx.Client() as client:
        statuses, waits = [], []
        for number in range(12):
            body, headers = signed("stripe", payload(number), SECRET)
            answer = client.post(
                [first, second][number % 2] + to.path, content=body, headers=headers
            )
            statuses.append(answer.status_code)
            waits.append(answer.headers.get("retry-after"))
        body, headers = signed("stripe", payload(0), SECRET)
        repeated = client.post(first + to.path, content=body, headers=headers)

    counted = kept(to.organization_id)
    assert counted in (5, 10)  # ten when the minute turned in between
    assert statuses.count(200) == counted
    assert set(statuses) == {200, 429}
    assert all(
        1 <= int(wait) <= 60 for wait, status in zip(waits, statuses, strict=True) if status == 429
    )
    assert repeated.status_code == 200


def posted(running, to, number, **changes):
    """How many deliveries of one sender, one after the other, were answered with each status."""

    async def conversation():
        return Counter([(await to.post(payload(n), **changes)).status_code for n in range(number)])

    return running(conversation)


@pytest.mark.parametrize("provider", with_inbound())
def test_a_hundred_genuine_deliveries_in_a_minute_are_all_taken(running, provider):
    org = make.organization()
    with as_system(org) as db:
        connection = create_connection(db, provider, "Main", SECRET)
        to = Sender(org, connection.id, provider, connection_path(db, connection))
    assert posted(running, to, 100) == {200: 100}


def test_a_connection_without_a_limit_has_that_of_the_installation(running, monkeypatch):
    monkeypatch.setenv("WEBHOOK_RATE_LIMIT", "3")
    settings.cache_clear()
    answers = posted(running, sender(make.organization(), "stripe", rate_limit=None), 8)
    monkeypatch.undo()
    settings.cache_clear()
    assert answers in ({200: 3, 429: 5}, {200: 6, 429: 2})  # when the minute turned in between


def test_what_fails_verification_is_limited_strictly_and_verified_ones_are_still_taken(running):
    to, other = sender(make.organization(), "stripe"), sender(make.organization(), "stripe")
    forged = replace(to, secret="whsec_other")

    async def conversation():
        failed = [await forged.post(payload(n), address=HERE) for n in range(150)]
        good = [await to.post(payload(n), address=HERE) for n in range(3)]
        elsewhere = await replace(other, secret="whsec_other").post(payload(), address=HERE)
        return failed, good, [elsewhere, await forged.post(payload())]

    failed, good, others = running(conversation)
    counted = Counter(answer.status_code for answer in failed)
    assert counted in ({401: 60, 429: 90}, {401: 120, 429: 30})
    assert all(
        1 <= int(answer.headers["retry-after"]) <= 60
        for answer in failed
        if answer.status_code == 429
    )
    assert [answer.status_code for answer in good] == [200] * 3
    assert [answer.status_code for answer in others] == [401, 401]


def test_a_new_secret_works_within_a_second_of_any_flood(running):
    to = sender(make.organization(), "stripe")
    renewed = replace(to, secret="whsec_other")

    async def conversation():
        while (await renewed.post(payload(), address=HERE)).status_code != 429:
            pass
        with as_system(to.organization_id) as db:
            rotate_secret(db, to.connection_id, "whsec_other")
        rotated = time.monotonic()
        while (await renewed.post(payload(), address=HERE)).status_code != 200:
            assert time.monotonic() - rotated < 5
            await asyncio.sleep(0.05)

    running(conversation)


def test_whoever_tries_many_connections_is_limited_at_those_that_there_are_too(running):
    to = sender(make.organization(), "stripe")

    async def conversation():
        tries = [replace(to, path=f"/webhooks/stripe/{uuid4()}") for _ in range(700)]
        tries += [replace(to, secret="whsec_other")]
        answers = [await one.post(payload(), address=ELSEWHERE) for one in tries]
        return [answer.status_code for answer in answers]

    statuses = running(conversation)
    assert statuses[:300] == [401] * 300
    assert Counter(statuses)[429] >= 100
    assert set(statuses) == {401, 429}
    assert statuses[-1] == statuses[-2]
    assert posted(running, to, 1, address=ELSEWHERE) == {200: 1}


def test_no_answer_says_which_connections_there_are(running):
    admin, gone = make.viewer(make.organization()), make.viewer(make.organization())
    there, off, deleted = (sender(admin.organization_id, "stripe") for _ in range(3))
    closed = sender(gone.organization_id, "stripe")
    unknown = replace(there, path=f"/webhooks/stripe/{uuid4()}")
    with admin.transaction() as db:
        set_active(db, off.connection_id, active=False)
        delete_connection(db, deleted.connection_id, "Test")
    with owner() as db:
        offboarded = "update app.organizations set status = 'offboarded' where id = :org"
        db.execute(text(offboarded), {"org": gone.organization_id})

    async def conversation():
        forged = [replace(to, secret="whsec_other") for to in (there, off, deleted, closed)]
        first = {
            (await unknown.post(payload(), address="203.0.113.9")).status_code for _ in range(130)
        }
        others = [await to.post(payload(), address="203.0.113.9") for to in forged]
        floods = [
            {(await to.post(payload(), address="203.0.113.8")).status_code for _ in range(130)}
            for to in (forged[0], forged[1])
        ]
        return first, {(answer.status_code, answer.text) for answer in others}, floods

    first, others, floods = running(conversation)
    assert first == {401, 429}
    assert {status for status, _ in others} == {401}
    assert len(others) == 1
    assert floods == [first, first]


def test_without_the_limiter_nothing_is_acknowledged(running):
    to = sender(make.organization(), "stripe")
    with owner() as db:
        db.execute(text("alter table app.rate_limits rename to rate_limits_away"))
    try:
        answer = running(lambda: to.post(payload()))
    finally:
        with owner() as db:
            db.execute(text("alter table app.rate_limits_away rename to rate_limits"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert kept(to.organization_id) == 0


def test_with_the_database_away_the_sender_is_asked_to_try_again(running, request):
    to = sender(make.organization(), "stripe")
    request.getfixturevalue("database_away")

    answer = running(lambda: to.post(payload()))

    assert said(answer)[0] == 503
    assert answer.json()["error"]["code"] == "unavailable"
