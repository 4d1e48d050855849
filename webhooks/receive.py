"""``POST /webhooks/{provider}/{connection_id}``: verify the raw body, store it, acknowledge.
Nothing is interpreted here. A provider whose ``Inbound.address`` says so has the organisation's
slug in place of the id.

Whatever is correctly signed is stored, even if it cannot be read or is of an unknown type, and as
JSON where the provider sends something else (``Inbound.as_json``). After a refusal the provider
would give up on the delivery; a stored one is among the dead letters, where a person sees it. Only
what is too large or too deep is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from core.deliveries.secrets import belongs_to
from core.platform.database import outage
from core.platform.errors import Misconfigured
from core.platform.log import logger
from core.platform.outage import is_outage
from core.platform.vault import unseal
from core.providers import registry
from core.providers.provider import Address, Inbound
from core.providers.signatures import BadSignature, without_signatures
from webhooks.answers import JSON, refusal
from webhooks.batch_writer import Answer, Delivery, TooManyWaiting, store_delivery
from webhooks.body import INCOMPLETE, BodyTooLarge, read_body, too_deep
from webhooks.failed_signatures import count_failure, limited_for
from webhooks.monitoring import deliveries_total
from webhooks.pool import pooled_connection

log = logger("webhooks.receive")
RETRY_AFTER_S = 10
MAX_TEXT = 255
LARGE = 64 * 1024  # from here on it costs to look into a body and to carry it to the database
LOOK_UP_EVERY_S = 1.0
ACCEPTED = b'{"status":"accepted"}'
# Of every provider, in addition to its own.
STORED_HEADERS = ("host", "content-type", "content-length", "user-agent")
Headers = dict[str, str]


class Secret(NamedTuple):
    """A signing secret; after a rotation the one of before is valid until an instant."""

    text: str
    valid_until: datetime | None = None


class Verdict(NamedTuple):
    """What is wrong with a signature, nothing for a genuine one, and whether it was made with the
    secret of before.
    """

    wrong: str = ""
    by_previous_secret: bool = False


@dataclass(frozen=True)
class Endpoint:
    """A connection as the receiver remembers it, until the database reports that its revision has
    changed.
    """

    id: UUID
    provider: str
    revision: int
    secrets: tuple[Secret, ...]  # the present one first
    looked_up_at: float = field(default_factory=time.monotonic)

    def age_s(self) -> float:
        """How long ago it was looked up."""
        return time.monotonic() - self.looked_up_at


# By the connection's id or the organisation's slug, whichever the provider's addresses have.
remembered: dict[tuple[str, UUID | str], Endpoint] = {}
# Until when a connection has used up its deliveries of the minute, as the database answered. Small
# ones are still passed on, since a repeat of what is stored is accepted all the same.
over_limit_until: dict[UUID, float] = {}


async def receive(request: Request) -> Response:
    """Store one delivery. Responds 200 stored now or before, 400 too deep or cut off, 401 not
    correctly signed, 413 too large, 429 too many, verified or not (or what the provider needs
    then), 503 try again.
    """
    try:
        body = await read_body(request)
        path = request.path_params
        answer, retry_after_s = await verify_and_store(
            path["provider"],
            path["connection_id"],
            _headers(request),
            body,
            address=request.client.host if request.client else "unknown",
        )
    except BodyTooLarge:
        answer, retry_after_s = "too_large", None
    except ClientDisconnect:
        answer, retry_after_s = "incomplete", None
    except TooManyWaiting:
        answer, retry_after_s = "unavailable", None
    except (psycopg.Error, PoolTimeout, Misconfigured) as error:
        _note(error)
        answer, retry_after_s = "unavailable", None
    deliveries_total.labels(answer).inc()
    return _response(answer, retry_after_s, request.path_params["provider"])


def _headers(request: Request) -> Headers:
    """The headers by name, of several of one name the first. Starlette's own would be searched once
    for each of them.
    """
    sent = reversed(request.scope["headers"])
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in sent}


def _note(error: Exception) -> None:
    if is_outage(error):
        outage.noticed(error)
        return
    # The error's text may quote the delivery, which must not get into the log.
    log.error(
        "delivery not kept", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None)
    )


def _response(answer: str, retry_after_s: int | None, provider: str) -> Response:
    match answer:
        case "accepted" | "repeat":
            return Response(ACCEPTED, media_type=JSON)
        case "refused":
            return refusal(401, "unauthorized", "The delivery's signature or address is not valid.")
        case "limited":
            return refusal(
                registry.inbound(provider).limited_status,
                "too_many_requests",
                "Too many deliveries this minute.",
                retry_after_s=retry_after_s,
            )
        case "too_large":
            return refusal(413, "too_large", "A delivery may be at most 1 MiB.")
        case "incomplete":
            return refusal(400, "incomplete", INCOMPLETE)
        case "too_deep":
            return refusal(400, "too_deep", "The delivery's JSON is nested too deeply.")
        case _:
            return refusal(
                503,
                "unavailable",
                "The delivery could not be kept; send it again.",
                retry_after_s=RETRY_AFTER_S,
            )


async def verify_and_store(
    name: str, last_part: str, headers: Headers, body: bytes, *, address: str
) -> Answer:
    """The answer of ``app.store_deliveries``, or ``refused``, ``limited`` or ``too_deep``. If a
    remembered connection does not fit, it is looked up again, so that a new secret works at once;
    while failures from the sender's address are limited, within a second.
    """
    inbound = registry.find_inbound(name)
    if inbound is None or (whose := _address(inbound, last_part)) is None:
        return "refused", None
    endpoint = remembered.get((name, whose))
    if endpoint is not None and not (verdict := _verdict(endpoint, headers, body)).wrong:
        answer, retry_after_s = await _store(endpoint, headers, body, verdict)
        if answer != "stale":
            return answer, retry_after_s
    asked = f"{name}/{whose}"
    wait_s = limited_for(asked, address)
    if endpoint is not None and wait_s and endpoint.age_s() < LOOK_UP_EVERY_S:
        return "limited", wait_s
    endpoint = await _look_up(name, whose)
    verdict = _verdict(endpoint, headers, body) if endpoint else Verdict("no such connection")
    if endpoint is not None and not verdict.wrong:
        return await _store(endpoint, headers, body, verdict)
    whom = endpoint.id if endpoint else None
    wait_s = limited_for(asked, address) or await count_failure(asked, address, whom, verdict.wrong)
    return ("limited", wait_s) if wait_s else ("refused", None)


def _address(inbound: Inbound, last_part: str) -> UUID | str | None:
    if inbound.address == Address.SLUG:
        return _storable(last_part)
    try:
        return UUID(last_part)
    except ValueError:
        return None


def _verdict(endpoint: Endpoint, headers: Headers, body: bytes) -> Verdict:
    """What is wrong is what the present secret finds."""
    verify, at = registry.inbound(endpoint.provider).verify, datetime.now(UTC)
    wrong = ""
    for secret in endpoint.secrets:
        if secret.valid_until is not None and secret.valid_until < at:
            continue
        try:
            verify(headers, body, secret.text, at)
        except BadSignature as error:
            wrong = wrong or str(error)
        else:
            return Verdict(by_previous_secret=secret.valid_until is not None)
    log.info("refused", connection=str(endpoint.id), why=wrong)
    return Verdict(wrong)


async def _look_up(name: str, whose: UUID | str) -> Endpoint | None:
    remembered.pop((name, whose), None)
    async with pooled_connection() as db:
        connection_id = whose if isinstance(whose, UUID) else await _of_slug(db, whose, name)
        found = await db.execute("select * from app.find_connection(%s)", (connection_id,))
        rows = await found.fetchall()
    if not rows or rows[0][1] != name or not isinstance(connection_id, UUID):
        return None
    secrets = tuple(
        Secret(unseal(sealed, *belongs_to(organization_id, secret_id)), valid_until)
        for organization_id, _, _, secret_id, sealed, valid_until in rows
    )
    endpoint = Endpoint(connection_id, name, rows[0][2], secrets)
    remembered[name, whose] = endpoint
    return endpoint


async def _of_slug(db: psycopg.AsyncConnection[Any], slug: str, name: str) -> UUID | None:
    found = await db.execute("select app.connection_of(%s, %s)", (slug, name))
    row = await found.fetchone()
    return row and row[0]


async def _store(endpoint: Endpoint, headers: Headers, body: bytes, verdict: Verdict) -> Answer:
    inbound = registry.inbound(endpoint.provider)
    if len(body) > LARGE and (wait_s := _over_limit_for(endpoint.id)):
        return "limited", wait_s
    stored_body = _as_json(inbound, body)
    if too_deep(stored_body):
        return "too_deep", None
    key = _storable(inbound.delivery_key(headers, body)) or hashlib.sha256(body).hexdigest()
    sent = json.dumps(_stored_headers(inbound, headers))
    answer, retry_after_s = await store_delivery(
        Delivery(
            *(endpoint.id, endpoint.revision, key, sent, stored_body, verdict.by_previous_secret)
        )
    )
    if answer == "limited" and retry_after_s:
        over_limit_until[endpoint.id] = time.monotonic() + retry_after_s
    return answer, retry_after_s


def _stored_headers(inbound: Inbound, headers: Headers) -> dict[str, str | None]:
    """Those worth reading later; of a signature only when it was made."""
    stored = (*STORED_HEADERS, *inbound.headers)
    sent = {name: _storable(headers[name]) for name in stored if name in headers}
    signatures = {
        name: _storable(without_signatures(headers[name]))
        for name in inbound.signature_headers
        if name in headers
    }
    return sent | signatures


def _over_limit_for(connection_id: UUID) -> int:
    return max(0, math.ceil(over_limit_until.get(connection_id, 0.0) - time.monotonic()))


def _as_json(inbound: Inbound, body: bytes) -> bytes:
    """The body in the form in which it is stored; as it came, where it cannot be read."""
    try:
        return inbound.as_json(body)
    except ValueError:
        return body


def _storable(text: str | None) -> str | None:
    """``text`` if Postgres can store and index it; None for text with zero bytes or half
    characters, or that is too long.
    """
    return text if text and len(text) <= MAX_TEXT and text.isprintable() else None
