"""The baselines of the receiver: the least that any receiver must do, which is an HMAC check and
one INSERT. At ``/together`` those that arrive during one round trip share the next INSERT and its
commit.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

pool = AsyncConnectionPool(
    os.environ["BENCH_DATABASE_URL"],
    min_size=1,
    max_size=10,
    open=False,
    kwargs={"autocommit": True},
)
secret = os.environ["BENCH_SECRET"].encode()
waiting: list[tuple[bytes, asyncio.Future[None]]] = []
busy: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Open and close the pool."""
    async with pool:
        yield


async def receive(request: Request) -> JSONResponse:
    """Check the signature as Stripe makes it, insert the body, respond."""
    body = await request.body()
    seconds, _, given = request.headers["stripe-signature"].partition(",v1=")
    expected = hmac.digest(secret, seconds[2:].encode() + b"." + body, "sha256").hex()
    if not hmac.compare_digest(expected, given):
        return JSONResponse({"status": "refused"}, 401)
    await (_insert_together(body) if request.url.path == "/together" else _insert(body))
    return JSONResponse({"status": "accepted"})


async def _insert(body: bytes) -> None:
    async with pool.connection() as db:
        await db.execute("insert into bench_deliveries (body) values (%s)", (body,))


async def _insert_together(body: bytes) -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.append((body, done))
    if not busy:
        busy.add(asyncio.create_task(_insert_waiting()))
    await done


async def _insert_waiting() -> None:
    while waiting:
        together = waiting[:]
        waiting.clear()
        async with pool.connection() as db:
            bodies = [body for body, _ in together]
            await db.execute(
                "insert into bench_deliveries (body) select unnest(%s::bytea[])", (bodies,)
            )
        for _, done in together:
            done.set_result(None)
    busy.clear()


app = Starlette(routes=[Route("/{rest:path}", receive, methods=["POST"])], lifespan=lifespan)
