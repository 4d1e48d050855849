"""A delivery's whole way in a test: signed, sent through the real receiver, and processed until no
job waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import count
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.types import ASGIApp

from core.deliveries.models import WebhookConnection
from core.platform.clock import now
from core.platform.database import WORKER_ROLE, as_guest, as_system
from core.providers.connections import connection_path, create_connection
from core.providers.payloads import signed
from core.providers.provider import Delivered, Outcome
from core.providers.registry import inbound
from jobs.drain import Turns, take_turn
from jobs.queue import queue
from webhooks.app import app

JOBS = """
    select 1 from jobs.procrastinate_jobs
     where status = 'todo' and coalesce(scheduled_at, now()) <= now() limit 1
"""
numbers = count(int(ip_address("10.0.0.1")))
SECRET = "whsec_test_5f1c0b9a7d2e4c63"


@dataclass(frozen=True)
class Sender:
    """A provider that posts to one connection of one organisation."""

    organization_id: UUID
    connection_id: UUID
    provider: str
    path: str
    secret: str = SECRET

    async def post(
        self, payload: Mapping[str, Any], *, to: ASGIApp = app, **changes: Any
    ) -> httpx.Response:
        body, headers = signed(self.provider, payload, self.secret)
        return await post(self.path, **({"content": body, "headers": headers} | changes), to=to)


async def post(
    path: str,
    *,
    to: ASGIApp = app,
    method: str = "POST",
    address: str | None = None,
    **request: Any,
) -> httpx.Response:
    """A request from this network address, or from one that nobody else has."""
    client = (address or str(ip_address(next(numbers))), 1)
    transport = httpx.ASGITransport(app=to, raise_app_exceptions=False, client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
        return await client.request(method, path, **request)


def sender(organization_id: UUID, provider: str, **values: Any) -> Sender:
    with as_system(organization_id) as db:
        connection = create_connection(
            db, provider, "Test", SECRET, **({"rate_limit": 100_000} | values)
        )
        path = connection_path(db, connection)
        return Sender(organization_id, connection.id, provider, path)


def handle(db: Session, connection: WebhookConnection, *payloads: Any) -> list[Outcome]:
    """Has the connection's provider work on deliveries that arrive now, in one batch."""
    batch = [Delivered(connection, payload, now()) for payload in payloads]
    return list(inbound(connection.provider).handle(db, batch))


def work() -> None:
    """Work off deliveries, and run the worker, until none of either waits."""
    while take_turn(Turns()):
        pass
    with as_guest(WORKER_ROLE) as db:
        if not db.scalars(text(JOBS)).first():
            return  # opening the queue takes longer than most tests
    with queue().open() as jobs:
        jobs.run_worker(
            wait=False, install_signal_handlers=False, listen_notify=False, delete_jobs="successful"
        )
