"""The providers' payload files: what their deliveries look like, with placeholders for people,
times and ids. They are what the product sends to try an installation, and what its tests receive.

A placeholder is ``{name}``; ``{name:iso}`` and ``{name:unix}`` write a moment as the provider does.
A text that is nothing but a placeholder becomes the value itself, also None.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import resources
from typing import Any
from uuid import uuid4

from core.platform.clock import now
from core.providers.provider import Payload
from core.providers.registry import inbound

PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
TEST_DELIVERY = "test.delivery"
Signed = tuple[bytes, dict[str, str]]


def payload_files(provider: str) -> list[str]:
    """The names of a provider's payload files, which are those of its events."""
    folder = resources.files(f"core.providers.{provider}").joinpath("payloads")
    return sorted(file.name.removesuffix(".json") for file in folder.iterdir())


def payload(provider: str, file: str, values: Mapping[str, Any]) -> Payload:
    """One payload file with ``values`` in the place of its placeholders. Raises KeyError for a
    placeholder without a value.
    """
    folder = resources.files(f"core.providers.{provider}").joinpath("payloads")
    filled: Payload = _filled(json.loads(folder.joinpath(f"{file}.json").read_text()), values)
    return filled


def example(**values: Any) -> dict[str, Any]:
    """A value for every placeholder: an imagined booking of today, and what happened after it.

    ``id`` is the delivery's own, ``key`` that of the booking or payment that it is about,
    ``meeting`` that of the meeting; ``at`` is when it happened.
    """
    start = values.get("start") or now() - timedelta(hours=2)
    return {
        "id": secrets.token_hex(8),
        "key": secrets.token_hex(6),
        "meeting": str(uuid4()),
        "email": "lead.one@example.com",
        "name": "Lead One",
        "closer_email": "closer.one@example.com",
        "closer_name": "Closer One",
        "setter": "setter-one",
        "booked_at": start - timedelta(days=2),
        "start": start,
        "end": start + timedelta(minutes=45),
        "at": now(),
    } | values


def signed(
    provider: str, content: Mapping[str, Any], secret: str, *, at: datetime | None = None
) -> Signed:
    """Body and headers as the provider would send them now (or ``at``)."""
    by = inbound(provider)
    body = by.write(dict(content), secret)
    return body, {"Content-Type": "application/json"} | by.sign(body, secret, at or now())


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, values) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    if not isinstance(value, str):
        return value
    if whole := PLACEHOLDER.fullmatch(value):
        return _written(whole, values)
    return PLACEHOLDER.sub(lambda found: str(_written(found, values)), value)


def _written(placeholder: re.Match[str], values: Mapping[str, Any]) -> Any:
    value = values[placeholder[1]]
    match placeholder[2]:
        case "iso":
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case "unix":
            return int(value.timestamp())
        case _:
            return value
