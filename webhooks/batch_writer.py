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
from core.platform.settings import settings
from webhooks.pool import pool

MAX_TOGETHER = 64
STORE = """
    select answer, retry_after from app.store_deliveries(
      %s::uuid[], %s::int[], %s::text[], %s::text[], %s::bytea[], %s)
"""
Answer = tuple[str, int | None]


class Delivery(NamedTuple):
    """What ``app.store_deliveries`` takes of each. Sorting deliveries gives the order in which
    every receiver locks rows, so that receivers do not deadlock.
    """

    connection_id: UUID
    revision: int
    delivery_key: str
    headers: str
    body: bytes


waiting: list[tuple[Delivery, asyncio.Future[Answer]]] = []
busy: set[asyncio.Task[None]] = set()


async def store_delivery(delivery: Delivery) -> Answer:
    """The database's answer, once it is committed. Raises psycopg.Error and PoolTimeout."""
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    waiting.append((delivery, answered))
    if not busy:
        busy.add(asyncio.create_task(_store_waiting()))
    return await answered


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
        for _, answered in together:
            if not answered.cancelled():
                answered.set_exception(error)
        return
    for (_, answered), answer in zip(together, answers, strict=True):
        if not answered.cancelled():
            answered.set_result(answer)


async def _store(deliveries: list[Delivery]) -> list[Answer]:
    try:
        async with pool().connection() as db:
            columns = [list(column) for column in zip(*deliveries, strict=True)]
            stored = await db.execute(STORE, [*columns, settings().webhook_rate_limit])
            answers = await stored.fetchall()
    except psycopg.OperationalError:
        # A database that was restarted broke every connection: none of the others is used again.
        await pool().check()
        raise
    outage.over()
    return answers
