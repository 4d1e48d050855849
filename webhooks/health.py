"""Addresses for monitoring: whether the process is alive, whether it reaches a migrated database,
and figures for Prometheus.
"""

from __future__ import annotations

import psycopg
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from webhooks.answers import refusal
from webhooks.monitoring import prometheus_text
from webhooks.pool import pooled_connection


async def healthz(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def readyz(_: Request) -> Response:
    """The database is reachable and migrated; 503 otherwise."""
    try:
        async with pooled_connection() as db:
            await db.execute("select 1 from app.find_connection(gen_random_uuid())")
    except (psycopg.Error, PoolTimeout):
        return refusal(503, "unavailable", "The database is away or not migrated.")
    return JSONResponse({"status": "ready"})


async def metrics(_: Request) -> Response:
    """Prometheus text."""
    return Response(await prometheus_text(), media_type=CONTENT_TYPE_LATEST)
