"""Storing deliveries: those that arrive while one round trip is under way share the next one, and
its commit.

A commit waits for the disk however little it holds, so this is what lets one receiver store
thousands a second.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from uuid import UUID

from webhooks.pool import pool

MAX_TOGETHER = 64
KEEP = """
    select k.answer, k.retry_after
      from unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::bytea[])
           with ordinality as d (connection_id, revision, delivery_key, headers, body, place),
           lateral app.store_delivery(
             d.connection_id, d.revision, d.delivery_key, d.headers::jsonb, d.body) as k
     order by d.place
"""
Answer = tuple[str, int | None]


class Delivery(NamedTuple):
    """What ``app.store_delivery`` takes. Sorting puts deliveries into the order in which every
    receiver locks rows.
    """

    connection_id: UUID
    revision: int
    delivery_key: str
    headers: str
    body: bytes


waiting: list[tuple[Delivery, asyncio.Future[Answer]]] = []
busy: set[asyncio.Task[None]] = set()


async def store_delivery(delivery: Delivery) -> Answer:
    """The database's answer once the delivery's fate is on disk. Raises psycopg.Error and
    PoolTimeout.
    """
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    waiting.append((delivery, answered))
    if not busy:
        busy.add(asyncio.create_task(_keep_waiting()))
    return await answered


async def _keep_waiting() -> None:
    try:
        while waiting:
            together = sorted(waiting[:MAX_TOGETHER], key=lambda one: one[0])
            del waiting[:MAX_TOGETHER]
            await _keep_together(together)
    finally:
        # At once: a delivery that comes after the last look must start the next round trip itself.
        busy.clear()


async def _keep_together(together: list[tuple[Delivery, asyncio.Future[Answer]]]) -> None:
    try:
        answers = await _keep([delivery for delivery, _ in together])
    except Exception as error:  # whatever it is, nobody may be left without an answer
        for _, answered in together:
            if not answered.cancelled():
                answered.set_exception(error)
        return
    for (_, answered), answer in zip(together, answers, strict=True):
        if not answered.cancelled():
            answered.set_result(answer)


async def _keep(deliveries: list[Delivery]) -> list[Answer]:
    async with pool().connection() as db:
        kept = await db.execute(KEEP, [list(column) for column in zip(*deliveries, strict=True)])
        return await kept.fetchall()
