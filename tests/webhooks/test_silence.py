"""A database that takes what it is asked and never answers holds nobody up for long, and nothing is
acknowledged that it has not confirmed.
"""

import asyncio
import time
from collections import Counter

import pytest

from core.platform.database import WORKER_ROLE, role_url
from core.platform.settings import settings
from tests import factories as make
from tests.flow import sender
from tests.swallowing import swallowing
from tests.webhooks.deliveries import kept, payload
from webhooks import batch_writer
from webhooks.pool import ANSWER_S, pool

MOMENT_S = 2


@pytest.fixture
def through(monkeypatch):
    """Has the receiver reach the database through this proxy, until the test is over."""

    def pointed(proxy):
        address = role_url(WORKER_ROLE).set(host="127.0.0.1", port=proxy.port)
        monkeypatch.setenv("DATABASE_WORKER_URL", address.render_as_string(hide_password=False))
        settings.cache_clear()
        pool.cache_clear()

    yield pointed
    monkeypatch.undo()
    settings.cache_clear()
    pool.cache_clear()


async def timed(answering):
    started = time.monotonic()
    answer = await answering
    return answer, time.monotonic() - started


def test_a_connection_that_falls_silent_is_given_up_and_a_repeat_has_another(running, through):
    to = sender(make.organization(), "stripe")

    async def conversation(proxy):
        silent = await asyncio.gather(*(to.post(payload(number)) for number in range(3)))
        proxy.last = b"a statement that nobody sends"
        return silent, await asyncio.gather(*(to.post(payload(number)) for number in range(3)))

    with swallowing(role_url(WORKER_ROLE), b"store_deliveries", answered_s=0) as proxy:
        through(proxy)
        silent, repeated = running(lambda: conversation(proxy))

    assert [answer.status_code for answer in silent] == [503] * 3
    assert all(int(answer.headers["retry-after"]) > 0 for answer in silent)
    assert [answer.status_code for answer in repeated] == [200] * 3
    assert kept(to.organization_id) == 3


def test_while_the_database_is_silent_only_so_many_wait_and_none_for_long(
    running, through, monkeypatch
):
    monkeypatch.setattr(batch_writer, "MAX_TOGETHER", 2)
    monkeypatch.setattr(batch_writer, "MAX_WAITING", 10)
    to = sender(make.organization(), "stripe")

    async def conversation():
        return await asyncio.gather(*(timed(to.post(payload(number))) for number in range(30)))

    with swallowing(role_url(WORKER_ROLE), b"store_deliveries", answered_s=0) as proxy:
        through(proxy)
        answers = running(conversation)

    assert Counter(answer.status_code for answer, _ in answers) == {503: 30}
    at_once = [took_s for _, took_s in answers if took_s < MOMENT_S]
    assert len(at_once) >= 15
    assert max(took_s for _, took_s in answers) < ANSWER_S + MOMENT_S
    assert kept(to.organization_id) <= 2


def test_whoever_is_looked_up_or_counted_does_not_wait_for_ever_either(running, through):
    to = sender(make.organization(), "stripe")

    with swallowing(role_url(WORKER_ROLE), b"find_connection", answered_s=0) as proxy:
        through(proxy)
        answer, took_s = running(lambda: timed(to.post(payload())))

    assert answer.status_code == 503
    assert took_s < ANSWER_S + MOMENT_S
