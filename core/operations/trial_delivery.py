"""A test delivery: posted to a connection as its provider would, over the public address, and
looked for where deliveries are stored. An admin waits to read what went wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import httpx
from sqlalchemy import select

from core.deliveries.actions import SIGNING, note_test
from core.deliveries.models import WebhookConnection, WebhookDelivery
from core.deliveries.secrets import read_secret
from core.platform.database import as_system
from core.platform.errors import Misconfigured, NotFound, SalesOpsError
from core.platform.log import logger
from core.platform.settings import settings
from core.platform.tasks import task
from core.providers import registry
from core.providers.connections import connection_path
from core.providers.payloads import TEST_DELIVERY, example, payload, signed

log = logger("test delivery")
TIMEOUT_S = 5  # an admin waits
SETTING = "WEBHOOK_PUBLIC_URL"
NAME_UNKNOWN = ("not known", "no address", "getaddrinfo", "name resolution")


@dataclass(frozen=True)
class Posted:
    """What is posted, and where to."""

    provider: str
    receiver: str
    path: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    @property
    def key(self) -> str:
        """By what it is found when it has arrived."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        return registry.inbound(self.provider).delivery_key(headers, self.body)


@task(retry=False, log_success=True)  # somebody waits for it and can press the button again
def send_test_delivery(organization_id: UUID, connection_id: UUID) -> None:
    """Post one harmless, correctly signed delivery to one connection over HTTP, and store on the
    connection whether it arrived. Raises NotFound when there is no such connection.
    """
    error = None
    try:
        posted = _signed(organization_id, connection_id)
        _check(posted, _post(posted))
        _find(organization_id, connection_id, posted)
    except NotFound:
        raise
    except SalesOpsError as refusal:
        error = refusal.message
        log.warning("test delivery failed", connection=str(connection_id), why=error)
    with as_system(organization_id) as db:
        note_test(db, connection_id, error)


def _signed(organization_id: UUID, connection_id: UUID) -> Posted:
    with as_system(organization_id) as db:
        connection = db.scalars(
            select(WebhookConnection).where(
                WebhookConnection.id == connection_id, WebhookConnection.deleted_at.is_(None)
            )
        ).first()
        if connection is None:
            raise NotFound("There is no such connection.")
        provider, path = connection.provider, connection_path(db, connection)
        secret = read_secret(db, connection_id, SIGNING)
    registry.inbound(provider).check_secret(secret)
    content = payload(provider, TEST_DELIVERY, example())
    body, headers = signed(provider, content, secret)
    return Posted(provider, settings().webhook_public_url, path, body, headers)


def _post(posted: Posted) -> httpx.Response:
    """The answer. Raises Misconfigured where there is none, with what to do about it."""
    address = posted.receiver
    try:
        with httpx.Client(timeout=TIMEOUT_S) as client:
            return client.post(address + posted.path, content=posted.body, headers=posted.headers)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise Misconfigured(f"{address} is no web address. Correct {SETTING}.") from error
    except httpx.TimeoutException as error:
        raise Misconfigured(
            f"{address} did not answer within {TIMEOUT_S} seconds. Check that the receiver runs and"
            " that no firewall is in the way."
        ) from error
    except httpx.ConnectError as error:
        raise Misconfigured(_unreachable(address, str(error))) from error
    except httpx.HTTPError as error:
        raise Misconfigured(
            f"{address} broke the connection off. Something else may listen there: check {SETTING}."
        ) from error


def _unreachable(address: str, why: str) -> str:
    lower = why.lower()
    if any(each in lower for each in NAME_UNKNOWN):
        return f"The name in {address} leads nowhere. Correct {SETTING}."
    if "certificate" in lower or "ssl" in lower:
        return f"{address} has no valid certificate: {why}."
    return (
        f"Nothing answers at {address}. Start the receiver (python -m webhooks), or correct"
        f" {SETTING} or WEBHOOK_PORT."
    )


def _check(posted: Posted, answer: httpx.Response) -> None:
    """Raises Misconfigured unless our receiver accepted it."""
    address, status = posted.receiver, answer.status_code
    if status == httpx.codes.OK:
        return
    if answer.is_redirect:
        raise Misconfigured(
            f"{address} sends callers on to another address, which providers do not follow."
            f" Correct {SETTING}."
        )
    if not _is_ours(answer):
        raise Misconfigured(
            f"Something else answers at {address} (status {status}). Correct {SETTING} or"
            " WEBHOOK_PORT."
        )
    match status:
        case httpx.codes.UNAUTHORIZED:
            sentence = (
                f"The receiver at {address} does not know this connection or its secret: it belongs"
                f" to another installation. Correct {SETTING} or WEBHOOK_PORT."
            )
        case httpx.codes.SERVICE_UNAVAILABLE:
            sentence = "The receiver is there, but its database is away. Try again in a minute."
        case httpx.codes.TOO_MANY_REQUESTS:
            sentence = "Too many deliveries arrived this minute. Try again in a minute."
        case _:
            sentence = f"The receiver refused the test delivery with status {status}."
    raise Misconfigured(sentence)


def _is_ours(answer: httpx.Response) -> bool:
    """Whether the refusal is written as the receiver writes them."""
    try:
        return isinstance(answer.json()["error"]["code"], str)
    except (ValueError, KeyError, TypeError):
        return False


def _find(organization_id: UUID, connection_id: UUID, posted: Posted) -> None:
    """Raises Misconfigured unless it is stored here: anybody can answer with 200."""
    with as_system(organization_id) as db:
        arrived = db.scalars(
            select(WebhookDelivery.id).where(
                WebhookDelivery.connection_id == connection_id,
                WebhookDelivery.delivery_key == posted.key,
            )
        ).first()
    if arrived is None:
        raise Misconfigured(
            f"Something answers at {posted.receiver}, but the test delivery did not arrive here: it"
            f" belongs to somebody else. Correct {SETTING} or WEBHOOK_PORT."
        )
