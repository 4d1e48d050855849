"""The baseline of the receiver: the least that any receiver must do, which is an HMAC check and one
INSERT.
"""

from __future__ import annotations

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
    async with pool.connection() as db:
        await db.execute("insert into bench_deliveries (body) values (%s)", (body,))
    return JSONResponse({"status": "accepted"})


app = Starlette(routes=[Route("/{rest:path}", receive, methods=["POST"])], lifespan=lifespan)
