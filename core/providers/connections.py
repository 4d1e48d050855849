"""Connections: where a provider delivers to."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy.orm import Session

from core.deliveries.actions import NO_NAME, SIGNING
from core.deliveries.models import WebhookConnection
from core.deliveries.secrets import store_secret
from core.platform.database import organization_id_of
from core.platform.errors import InvalidInput
from core.platform.names import check_name, check_sentence
from core.platform.settings import settings
from core.providers import registry
from core.providers.provider import Address
from core.tenancy.organizations.queries import current_organization

MAX_RATE_LIMIT = 1_000_000
SHORTEST_SECRET, LONGEST_SECRET = 8, 500


def connection_path(db: Session, connection: WebhookConnection) -> str:
    """Where the receiver takes the connection's deliveries; see ``Inbound.address``."""
    by_slug = registry.inbound(connection.provider).address == Address.SLUG
    whose = current_organization(db).slug if by_slug else connection.id
    return f"/webhooks/{connection.provider}/{whose}"


def connection_url(db: Session, connection: WebhookConnection) -> str:
    """The address to enter at the provider."""
    return settings().webhook_public_url + connection_path(db, connection)


def check_signing_secret(provider: str, secret: str) -> None:
    """Raises InvalidInput for what cannot be a signing secret of the provider, as it is typed by a
    person. A program knows what it hands over.
    """
    text, label = secret.strip(), registry.provider(provider).label
    inbound = registry.inbound(provider)
    if not text:
        raise InvalidInput(f"Enter the signing secret of {label}.", field="secret")
    for beginning, sentence in inbound.mistaken_secrets.items():
        if text.startswith(beginning):
            raise InvalidInput(sentence, field="secret")
    if not SHORTEST_SECRET <= len(text) <= LONGEST_SECRET or len(text.split()) > 1:
        raise InvalidInput(
            f"That doesn't look like a {label} signing secret. It should have {SHORTEST_SECRET} to"
            f" {LONGEST_SECRET} characters and no spaces.",
            field="secret",
        )
    inbound.check_secret(text)


def create_connection(
    db: Session,
    provider: str,
    name: str,
    secret: str,
    *,
    account_id: str | None = None,
    rate_limit: int | None = None,
) -> WebhookConnection:
    """Open an endpoint for one provider; its signing secret is sealed at once.

    ``account_id`` is the provider's own account: deliveries of another one are not booked.
    ``rate_limit`` is deliveries a minute, by default the setting ``WEBHOOK_RATE_LIMIT``.

    Raises:
        InvalidInput: unknown provider, no name or one that is too long, an empty secret, or a limit
        out of range.
    """
    if registry.find_inbound(provider) is None:
        raise InvalidInput(
            f"“{provider}” is not a provider; use one of {', '.join(registry.with_inbound())}.",
            field="provider",
        )
    called = check_name(name, NO_NAME)
    if rate_limit is not None and not 1 <= rate_limit <= MAX_RATE_LIMIT:
        raise InvalidInput(
            f"The rate limit must lie between 1 and {MAX_RATE_LIMIT} a minute.", field="rate_limit"
        )
    connection = WebhookConnection(
        organization_id=organization_id_of(db),
        id=uuid4(),
        provider=provider,
        name=called,
        external_account_id=check_sentence(account_id or "", field="account_id") or None,
        rate_limit_per_minute=rate_limit,
    )
    db.add(connection)
    db.flush()
    store_secret(db, provider, connection.id, SIGNING, secret)
    return connection
