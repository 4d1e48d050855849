"""Storing deliveries in batches: those that arrive during one round trip to the database share the
next one, and its commit.

A commit waits for the disk, however small it is. Batches are what lets one receiver store thousands
of deliveries per second.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from uuid import UUID

import psycopg

from core.platform.database import outage
from core.platform.outage import is_outage
from core.platform.settings import settings
from webhooks.pool import pool, pooled_connection

MAX_TOGETHER = 64
# While the database is silent, deliveries keep coming: those beyond these bounds are sent away.
MAX_WAITING = 2_000
MAX_WAITING_BYTES = 64 * 1024 * 1024
# In binary form, since as text psycopg would look for quotes in every element.
STORE = """
    select answer, retry_after from app.store_deliveries(
      %b::uuid[], %b::int[], %b::text[], %b::text[], %b::bytea[], %b::bool[], %b)
"""
Answer = tuple[str, int | None]


class TooManyWaiting(Exception):
    """More deliveries wait for the database than may."""


class Delivery(NamedTuple):
    """What ``app.store_deliveries`` takes of each. Sorting deliveries gives the order in which
    every receiver locks rows, so that receivers do not deadlock.
    """

    connection_id: UUID
    revision: int
    delivery_key: str
    headers: str
    body: bytes
    by_previous_secret: bool = False


waiting: list[tuple[Delivery, asyncio.Future[Answer]]] = []
busy: set[asyncio.Task[None]] = set()


async def store_delivery(delivery: Delivery) -> Answer:
    """The database's answer, once it is committed. Raises TooManyWaiting, psycopg.Error and
    PoolTimeout.
    """
    if len(waiting) >= MAX_TOGETHER and _is_full():
        raise TooManyWaiting
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    waiting.append((delivery, answered))
    if not busy:
        busy.add(asyncio.create_task(_store_waiting()))
    return await answered


def _is_full() -> bool:
    size = sum(len(delivery.body) for delivery, _ in waiting)
    return len(waiting) >= MAX_WAITING or size >= MAX_WAITING_BYTES


async def _store_waiting() -> None:
    try:
        while waiting:
            together = sorted(waiting[:MAX_TOGETHER], key=lambda one: one[0])
            del waiting[:MAX_TOGETHER]
            await _store_together(together)
    finally:
        # At once, without waiting in between: a delivery that arrives now must start the next round
        # trip itself.
        busy.clear()


async def _store_together(together: list[tuple[Delivery, asyncio.Future[Answer]]]) -> None:
    try:
        answers = await _store([delivery for delivery, _ in together])
    except Exception as error:  # whatever it is, every sender must get an answer
        if is_outage(error):  # the others would wait as long, and for nothing
            together = together + waiting
            waiting.clear()
        for _, answered in together:
            if not answered.cancelled():
                answered.set_exception(error)
        return
    for (_, answered), answer in zip(together, answers, strict=True):
        if not answered.cancelled():
            answered.set_result(answer)


async def _store(deliveries: list[Delivery]) -> list[Answer]:
    try:
        async with pooled_connection() as db:
            columns = [list(column) for column in zip(*deliveries, strict=True)]
            stored = await db.execute(STORE, [*columns, settings().webhook_rate_limit])
            answers = await stored.fetchall()
    except psycopg.OperationalError as error:
        # A database that was restarted broke every connection, and a silent one answers on none:
        # none of the others is used again.
        if is_outage(error):
            await pool().drain()
        raise
    outage.over()
    return answers
