"""``POST /webhooks/{provider}/{connection_id}``: verify the raw body, keep it, acknowledge. Nothing is interpreted here."""
from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg.types.json import Json
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.deliveries.secrets import belongs_to
from core.platform.log import logger
from core.platform.vault import unseal
from core.providers.base import INBOUND, BadSignature, provider
from webhooks.answers import refusal
from webhooks.pool import pool

log = logger("webhooks.receive")
MAX_BODY = 1024 * 1024
MAX_DEPTH = 64
RETRY_AFTER_S = 10
KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "svix-id")
shards = itertools.count()


@dataclass(frozen=True)
class Endpoint:
    """A connection as the receiver remembers it, until the database says that its revision has changed."""

    id: UUID
    provider: str
    revision: int
    secret: str


remembered: dict[UUID, Endpoint] = {}


class BodyTooLarge(Exception):
    """More than one MiB was sent."""


async def receive(request: Request) -> Response:
    """Keep one delivery: 200 kept or kept before, 401 not genuine, 413 too large, 429 too many, 503 try again."""
    try:
        body = await read_body(request)
        answer, retry_after_s = await keep(request, body)
    except BodyTooLarge:
        return refusal(413, "too_large", "A delivery may be at most 1 MiB.")
    except (psycopg.OperationalError, PoolTimeout) as error:
        log.warning("database away", error=type(error).__name__)
        return refusal(503, "unavailable", "The delivery could not be kept; send it again.", retry_after_s=RETRY_AFTER_S)
    match answer:
        case "accepted" | "repeat":
            return JSONResponse({"status": "accepted"})
        case "limited":
            return refusal(429, "too_many_requests", "Too many deliveries this minute.", retry_after_s=retry_after_s)
        case _:
            return refusal(401, "unauthorized", "The delivery's signature or address is not valid.")


async def read_body(request: Request) -> bytes:
    """The raw body; stops reading as soon as it is too large. Raises BodyTooLarge."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise BodyTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise BodyTooLarge
    return bytes(body)


async def keep(request: Request, body: bytes) -> tuple[str, int | None]:
    """``app.keep_delivery``'s answer, or ``refused``. What is remembered of the connection is looked up again when it
    does not fit, so that a new secret counts at once."""
    connection_id = _uuid(request.path_params["connection_id"])
    if connection_id is None:
        return "refused", None
    async with pool().connection() as db:
        endpoint = remembered.get(connection_id)
        if endpoint is not None and _genuine(endpoint, request, body):
            answer, retry_after_s = await _insert(db, endpoint, request, body)
            if answer != "stale":
                return answer, retry_after_s
        endpoint = await _look_up(db, connection_id)
        if endpoint is None or not _genuine(endpoint, request, body):
            return "refused", None
        return await _insert(db, endpoint, request, body)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _genuine(endpoint: Endpoint, request: Request, body: bytes) -> bool:
    if endpoint.provider != request.path_params["provider"]:
        return False
    try:
        provider(endpoint.provider).verify(request.headers, body, endpoint.secret, now=datetime.now(UTC))
    except BadSignature as error:
        log.info("refused", connection=str(endpoint.id), why=str(error))
        return False
    return True


async def _look_up(db: psycopg.AsyncConnection, connection_id: UUID) -> Endpoint | None:
    remembered.pop(connection_id, None)
    found = await db.execute("select * from app.find_connection(%s)", (connection_id,))
    row = await found.fetchone()
    if row is None or row[1] not in INBOUND:
        return None
    organization_id, name, revision, secret_id, sealed = row
    endpoint = Endpoint(connection_id, name, revision, unseal(sealed, *belongs_to(organization_id, secret_id)))
    remembered[connection_id] = endpoint
    return endpoint


async def _insert(
    db: psycopg.AsyncConnection, endpoint: Endpoint, request: Request, body: bytes
) -> tuple[str, int | None]:
    module = provider(endpoint.provider)
    headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
    kept = await db.execute(
        "select answer, retry_after from app.keep_delivery(%s, %s::int, %s::text, %s::text, %s::jsonb, %s, %s::int)",
        (endpoint.id, endpoint.revision, module.delivery_key(request.headers, body), _event_type(endpoint.provider, body),
         Json(headers), body, next(shards) % 16),
    )
    row = await kept.fetchone()
    return row if row is not None else ("stale", None)


def _event_type(name: str, body: bytes) -> str | None:
    """For the list of deliveries only; a genuine body that is no JSON object is kept all the same."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return provider(name).event_type(payload) if isinstance(payload, dict) else None
