"""Genuine, correctly signed deliveries posted to a running receiver: to try an installation, or one
connection of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.models import Closer, Setter
from core.deliveries.actions import SIGNING, create_connection
from core.deliveries.models import WebhookConnection
from core.deliveries.secrets import read_secret
from core.operations.sample_payloads import (
    SampleBooking,
    calendly_created,
    signed,
    stripe_charge,
    stripe_event,
    stripe_intent,
    whop_payment,
)
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import NotFound, UnexpectedAnswer
from core.platform.settings import settings
from core.platform.tasks import task

TIMEOUT_S = 10
Story = tuple[str, Mapping[str, Any]]


def send_samples(organization_id: UUID, url: str) -> dict[str, Any]:
    """Post two bookings, a Stripe and a Whop payment to the receiver at ``url``; how each was
    answered.

    Connections named “Sample …” are made in the organisation on first use. Raises httpx.HTTPError
    when nobody answers.
    """
    with as_system(organization_id) as db:
        stories = _stories(_roster(db))
        connections = {
            name: _sample_connection(db, organization_id, name)
            for name in ("calendly", "stripe", "whop")
        }
    sent = []
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        for provider, payload in stories:
            status = _post(client, provider, *connections[provider], payload)
            sent.append(
                {
                    "provider": provider,
                    "event": payload.get("event") or payload["type"],
                    "status": status,
                }
            )
    return {"organization_id": str(organization_id), "sent": sent}


@task(retry=False, log_success=True)  # somebody waits for it and can press the button again
def send_test_delivery(organization_id: UUID, connection_id: UUID) -> None:
    """Post one harmless, correctly signed delivery to one connection over HTTP.

    Its type is none that means anything to us, so it is kept, counted and ignored.

    Raises:
        NotFound: there is no such connection.
        UnexpectedAnswer: the receiver did not accept it. httpx.HTTPError: nobody answers at
        the receiver's address.
    """
    with as_system(organization_id) as db:
        connection = db.scalars(
            select(WebhookConnection).where(WebhookConnection.id == connection_id)
        ).first()
        if connection is None:
            raise NotFound("There is no such connection.")
        provider, secret = connection.provider, read_secret(db, connection_id, SIGNING)
    mark = f"test_{secrets.token_hex(8)}"
    payload = {
        "id": mark,
        "event": "test.delivery",
        "type": "test.delivery",
        "data": {},
        "payload": {},
    }
    receiver = settings().webhook_public_url
    with httpx.Client(base_url=receiver, timeout=TIMEOUT_S) as client:
        status = _post(client, provider, connection_id, secret, payload)
    if status != httpx.codes.OK:
        raise UnexpectedAnswer(f"The receiver answered the test delivery with {status}.")


def _roster(db: Session) -> dict[str, str]:
    """Who takes and books the sample calls: the organisation's own first closer and setter, where
    there are some.
    """
    closer = db.execute(
        select(Closer.email, Closer.name)
        .where(Closer.active, Closer.email.is_not(None))
        .order_by(Closer.name)
    ).first()
    setter = db.scalars(select(Setter.name).where(Setter.active).order_by(Setter.name)).first()
    taken = {"closer_email": closer.email, "closer_name": closer.name} if closer else {}
    return taken | ({"setter": setter} if setter else {})


def _stories(roster: dict[str, str]) -> list[Story]:
    """Two calls of today and what was paid after them; the second one's setter is nobody we
    know.
    """
    paid_at, mark = now() - timedelta(minutes=5), secrets.token_hex(4)
    first = SampleBooking(f"sample.one.{mark}@example.com", now() - timedelta(hours=2), **roster)
    others = roster | {"name": "Lead Two", "setter": "new-setter"}
    second = SampleBooking(f"sample.two.{mark}@example.com", now() - timedelta(hours=1), **others)
    return [
        ("calendly", calendly_created(first)),
        ("calendly", calendly_created(second)),
        (
            "stripe",
            stripe_event("payment_intent.succeeded", stripe_intent(mark, 499700, paid_at), paid_at),
        ),
        (
            "stripe",
            stripe_event(
                "charge.succeeded", stripe_charge(mark, 499700, first.email, paid_at), paid_at
            ),
        ),
        ("whop", whop_payment(mark, "997.00", second.email, paid_at)),
    ]


def _sample_connection(db: Session, organization_id: UUID, provider: str) -> tuple[UUID, str]:
    name = f"Sample {provider.capitalize()}"
    named = select(WebhookConnection).where(
        WebhookConnection.provider == provider, WebhookConnection.name == name
    )
    connection = db.scalars(named).first() or create_connection(
        db, organization_id, provider, name, f"sample-{secrets.token_urlsafe(24)}"
    )
    return connection.id, read_secret(db, connection.id, SIGNING)


def _post(
    client: httpx.Client,
    provider: str,
    connection_id: UUID,
    secret: str,
    payload: Mapping[str, Any],
) -> int:
    body, headers = signed(provider, payload, secret)
    return client.post(
        f"/webhooks/{provider}/{connection_id}", content=body, headers=headers
    ).status_code
