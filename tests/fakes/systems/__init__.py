"""What each outside system sends and answers: one module for each, found by its name.

A module declares ``ACCOUNTS``, the accounts whose keys are verified, by the address at which they
are reached; and ``VECTORS``, deliveries with the signature that the system itself would give them.
"""

from __future__ import annotations

import base64
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = "Alder Coaching"
Headers = Mapping[str, str]


def bearer(key: str, headers: Headers) -> bool:
    return headers.get("authorization") == f"Bearer {key}"


def basic_pair(headers: Headers) -> str:
    """``name:password`` of a request, empty without them."""
    kind, _, pair = headers.get("authorization", "").partition(" ")
    return base64.b64decode(pair).decode() if kind == "Basic" else ""


@dataclass(frozen=True)
class Account:
    """An account at a provider: its key, the settings that belong to the key, the pages it answers
    (by path), and how it refuses a wrong key. ``shown`` is how the product calls it, and
    ``shown_without_rights`` how for a key that may do nothing, None where such a key is refused.
    """

    key: str
    pages: Mapping[str, Any]
    refusal: Any
    settings: dict[str, str] = field(default_factory=dict)
    is_known: Callable[[str, Headers], bool] = bearer
    shown: str = NAME
    shown_without_rights: str | None = None


@dataclass(frozen=True)
class Vector:
    """A genuine delivery; ``at`` in unix seconds is the moment that its signature holds, None for a
    provider that signs no time.
    """

    secret: str
    at: int | None
    body: bytes
    headers: Mapping[str, str]


def _declared(name: str) -> dict[str, Any]:
    modules = [found.name for found in pkgutil.iter_modules(__path__)]
    return {
        module: getattr(importlib.import_module(f"{__name__}.{module}"), name, {})
        for module in sorted(modules)
    }


def accounts() -> dict[str, Account]:
    """Every account by the name of its address."""
    return {name: made for each in _declared("ACCOUNTS").values() for name, made in each.items()}


def vectors() -> dict[str, tuple[str, Vector]]:
    """Every provider's vectors by their names, with the provider."""
    return {
        name: (provider, vector)
        for provider, each in _declared("VECTORS").items()
        for name, vector in each.items()
    }
