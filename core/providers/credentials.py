"""The key that an organisation gives us of a provider: whether it can be one, what the provider is
asked with, and whose it is.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

import httpx

from core.platform.errors import InvalidInput
from core.providers import registry
from core.providers.account import Account
from core.providers.client import Client, RetryPolicy
from core.providers.provider import Credentials, Values

LONGEST_KEY = 2000
INTERACTIVE_RETRIES = RetryPolicy(timeout_s=8.0, tries=3, longest_pause_s=5.0)
SIGNING_SECRET = "This signs webhooks; it belongs on the screen Connections. Enter the API key."  # noqa: S105 - words


def bearer(secret: str, _: Values) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def credentials_of(provider: str) -> Credentials:
    """Raises InvalidInput for a provider of which no key is stored."""
    known = provider in registry.names()
    credentials = registry.provider(provider).credentials if known else None
    if credentials is None:
        raise InvalidInput(
            f"“{provider}” is not a provider; use one of {', '.join(registry.with_credentials())}.",
            field="provider",
        )
    return credentials


def validate_key(provider: str, secret: str) -> str:
    """The key without blanks around it.

    Raises:
        InvalidInput: it cannot be one: too long, with blanks inside, or something else that begins
        differently.
    """
    credentials, key = credentials_of(provider), secret.strip()
    for beginning, sentence in credentials.mistaken.items():
        if key.startswith(beginning):
            raise InvalidInput(sentence, field="secret")
    if (
        not key
        or len(key) > LONGEST_KEY
        or not key.isascii()
        or not key.isprintable()
        or " " in key
    ):
        raise InvalidInput(
            f"This is no key of {registry.provider(provider).label}: copy it again, in one piece"
            " and without blanks.",
            field="secret",
        )
    return key


def validate_settings(provider: str, answers: Mapping[str, str | None]) -> dict[str, str]:
    """What the provider is asked with besides the key, empty answers left out.

    Raises:
        InvalidInput: one is missing, or has not the shape that the provider gives it.
    """
    credentials = credentials_of(provider)
    given = {field.key: (answers.get(field.key) or "").strip() for field in credentials.fields}
    for field in credentials.fields:
        if not given[field.key] and not field.optional:
            raise InvalidInput(f"{field.label} is missing.", field=field.key)
        if given[field.key] and not re.fullmatch(field.shape, given[field.key], re.ASCII):
            raise InvalidInput(
                f"This is not {registry.provider(provider).label}'s {field.label}; it looks like"
                f" {field.example or field.shape}.",
                field=field.key,
            )
    values = {key: value for key, value in given.items() if value}
    credentials.check_settings(values)
    return values


def client_of(
    provider: str,
    secret: str,
    values: Values,
    retry: RetryPolicy | None = None,
    *,
    transport: httpx.BaseTransport | None = None,
) -> Client:
    """A client of the organisation's account at a provider. It is the caller's to close."""
    credentials, of = credentials_of(provider), registry.provider(provider)
    return Client(
        of.label,
        of.base_url(credentials.address(values)),
        credentials.headers(secret, values),
        secrets=(secret,),
        retry=retry,
        transport=transport,
    )


def check_key(
    provider: str,
    secret: str,
    values: Values,
    retry: RetryPolicy = INTERACTIVE_RETRIES,
    *,
    transport: httpx.BaseTransport | None = None,
) -> Account:
    """Ask the provider whose key this is. Raises what ``Client.request`` raises."""
    credentials = credentials_of(provider)
    with client_of(provider, secret, values, retry, transport=transport) as client:
        account = credentials.check(client, values)
        noted = tuple(
            remark
            for beginning, remark in credentials.noted.items()
            if secret.startswith(beginning)
        )
        return Account(client.shown(account.name), noted + account.remarks)
