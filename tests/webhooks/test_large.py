"""What a large body may cost, whoever sends it: nothing is read of it before it is verified and
within the limit, and afterwards no more than is needed.
"""

import asyncio
import json
import time

import pytest
from sqlalchemy import select

from core.deliveries.models import WebhookDelivery
from core.platform.database import as_system
from tests import factories as make
from tests.flow import post, sender
from tests.webhooks.deliveries import kept, payload, said, signed_bytes
from webhooks.body import MAX_BODY

# Each of these takes long to build in memory, or has the brackets of very deep JSON.
PIECES = {"lists": b"[[[[[[[[]]]]]]]]", "objects": b'{"a":{"b":{"c":1}}}', "texts": b'"[[\\"["'}
TRIES = 3  # the cheapest of so many counts: a machine with other work only ever adds to one


def large(piece, number=1):
    head = f'{{"id":"evt_{number}","type":"test","data":['.encode()
    count = (MAX_BODY - len(head) - 2) // (len(piece) + 1)
    return head + b",".join([piece] * count) + b"]}"


def deep(number):
    """Too deep to be stored: whoever looks into it answers 400."""
    return f'{{"id":"evt_{number}","data":'.encode() + b"[" * 500_000 + b"]" * 500_000 + b"}"


async def longest_pause(while_waiting):
    """The answer, and for how long at most the receiver did nothing else meanwhile."""
    waiting, longest = asyncio.create_task(while_waiting), 0.0
    while not waiting.done():
        before = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - before)
    return await waiting, longest


def cost_of_reading_whole(body):
    """Processor seconds of this thread for building all of ``body`` in memory."""
    before = time.thread_time()
    json.loads(body)
    return time.thread_time() - before


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_a_large_body_that_is_costly_to_read_holds_nobody_up(piece, running):
    """For less long than reading it whole would."""
    to = sender(make.organization(), "stripe")

    async def conversation():
        await to.post(payload(0))
        return [
            await longest_pause(post(to.path, **signed_bytes(large(piece, number))))
            for number in range(1, TRIES + 1)
        ]

    whole_s = min(cost_of_reading_whole(large(piece)) for _ in range(TRIES))
    answers = running(conversation)
    assert [answer.status_code for answer, _ in answers] == [200] * TRIES
    assert min(pause_s for _, pause_s in answers) < whole_s
    with as_system(to.organization_id) as db:
        keys = db.scalars(select(WebhookDelivery.delivery_key)).all()
    assert sorted(keys) == [f"evt_{number}" for number in range(TRIES + 1)]


def test_a_large_delivery_is_known_again_by_its_events_id(running):
    to = sender(make.organization(), "stripe")

    async def conversation():
        first = await post(to.path, **signed_bytes(large(b"1")))
        return first, await post(to.path, **signed_bytes(large(b"2")))

    assert [said(answer)[0] for answer in running(conversation)] == [200, 200]
    assert kept(to.organization_id) == 1


def test_nothing_is_read_of_a_body_that_is_not_verified(running):
    to = sender(make.organization(), "stripe")

    async def conversation():
        await to.post(payload(0))
        headers = signed_bytes(b"another body")["headers"]
        return await post(to.path, content=deep(1), headers=headers)

    assert running(conversation).status_code == 401


def test_nothing_is_read_of_a_large_body_beyond_the_limit_but_small_repeats_are_accepted(running):
    to = sender(make.organization(), "stripe", rate_limit=2)

    async def conversation():
        until_limited = [await to.post(payload(number)) for number in range(8)]
        beyond = await post(to.path, **signed_bytes(deep(9)))
        return until_limited, beyond, await to.post(payload(0))

    until_limited, beyond, repeat = running(conversation)
    assert {answer.status_code for answer in until_limited} == {200, 429}
    assert beyond.status_code == 429
    assert 1 <= int(beyond.headers["retry-after"]) <= 60
    assert repeat.status_code == 200
