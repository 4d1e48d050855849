"""Correctly signed sample deliveries, posted to a running receiver to try out an installation."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.models import Closer, Setter
from core.deliveries.actions import SIGNING
from core.deliveries.models import WebhookConnection
from core.deliveries.secrets import read_secret
from core.platform.clock import now
from core.platform.database import as_system
from core.providers import registry
from core.providers.connections import connection_path, create_connection
from core.providers.payloads import example, payload, signed

TIMEOUT_S = 10


def send_samples(organization_id: UUID, url: str) -> dict[str, Any]:
    """Post the samples of each provider to the receiver at ``url``: two bookings, and the payments
    that follow them. Returns the receiver's answers.

    Connections named “Sample …” are created in the organisation on first use. Raises
    httpx.HTTPError when nothing answers.
    """
    with as_system(organization_id) as db:
        leads = _leads(_roster(db))
        connections = {
            name: _sample_connection(db, name)
            for name, inbound in registry.with_inbound().items()
            if inbound.samples
        }
    sent = []
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        for provider, connection in connections.items():
            for file, content in _samples(provider, leads):
                status = _post(client, provider, *connection, content)
                sent.append({"provider": provider, "event": file, "status": status})
    return {"organization_id": str(organization_id), "sent": sent}


def _roster(db: Session) -> dict[str, str]:
    """Who takes and books the sample bookings: the organisation's own first closer and setter, if
    it has any.
    """
    closer = db.execute(
        select(Closer.email, Closer.name)
        .where(Closer.active, Closer.email.is_not(None))
        .order_by(Closer.name)
    ).first()
    setter = db.scalars(select(Setter.name).where(Setter.active).order_by(Setter.name)).first()
    taken = {"closer_email": closer.email, "closer_name": closer.name} if closer else {}
    return taken | ({"setter": setter} if setter else {})


def _leads(roster: dict[str, str]) -> list[dict[str, Any]]:
    """Two imaginary leads with bookings of today, who pay afterwards. The second one's setter is
    not on the roster.
    """
    mark, paid_at = secrets.token_hex(4), now() - timedelta(minutes=5)
    first = {
        "email": f"sample.one.{mark}@example.com",
        "start": now() - timedelta(hours=2),
    }
    second = {
        "email": f"sample.two.{mark}@example.com",
        "start": now() - timedelta(hours=1),
        "name": "Lead Two",
        "setter": "new-setter",
    }
    return [example(**(roster | lead | {"at": paid_at})) for lead in (first, second)]


def _samples(provider: str, leads: list[dict[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for sample in registry.inbound(provider).samples:
        values = leads[sample.lead] | {"id": secrets.token_hex(8)}
        yield sample.file, payload(provider, sample.file, values)


def _sample_connection(db: Session, provider: str) -> tuple[str, str]:
    name = f"Sample {registry.provider(provider).label}"
    named = select(WebhookConnection).where(
        WebhookConnection.provider == provider,
        WebhookConnection.name == name,
        WebhookConnection.deleted_at.is_(None),
    )
    connection = db.scalars(named).first() or create_connection(
        db, provider, name, f"sample-{secrets.token_urlsafe(24)}"
    )
    return connection_path(db, connection), read_secret(db, connection.id, SIGNING)


def _post(
    client: httpx.Client,
    provider: str,
    path: str,
    secret: str,
    content: Mapping[str, Any],
) -> int:
    body, headers = signed(provider, content, secret)
    return client.post(path, content=body, headers=headers).status_code
