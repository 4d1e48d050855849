"""The outside systems, found by their folders. A provider is imported when it is first asked for,
so that a process which needs one of them is not made to load them all.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import core.providers
from core.people.person_fields import PersonFields
from core.platform.errors import InvalidInput
from core.providers.provider import Inbound, Provider, Use


@cache
def names() -> frozenset[str]:
    """The names of all providers, which are those of their folders."""
    return frozenset(
        module.name for module in pkgutil.iter_modules(core.providers.__path__) if module.ispkg
    )


@cache
def provider(name: str) -> Provider:
    """Raises InvalidInput for a name that is no provider's."""
    if name not in names():
        raise InvalidInput(f"“{name}” is not a provider.", field="provider")
    declared = importlib.import_module(f"core.providers.{name}.provider").PROVIDER
    if not isinstance(declared, Provider) or declared.name != name:
        raise TypeError(f"core/providers/{name}/provider.py declares no provider of this name")
    return declared


def find_inbound(name: str) -> Inbound | None:
    """How the provider's webhooks are received; None for a name of which none are."""
    return provider(name).inbound if name in names() else None


def inbound(name: str) -> Inbound:
    """The same. Raises KeyError for a name of which none are."""
    if (found := find_inbound(name)) is None:
        raise KeyError(name)
    return found


@cache
def providers() -> dict[str, Provider]:
    """All providers by name, sorted by what they are for."""
    order = list(Use)
    found = sorted(map(provider, names()), key=lambda each: (order.index(each.use), each.label))
    return {each.name: each for each in found}


def with_inbound() -> dict[str, Inbound]:
    """How webhooks are received, for each provider that sends any."""
    return {name: each.inbound for name, each in providers().items() if each.inbound}


def with_credentials() -> dict[str, Provider]:
    """The providers that an organisation can enter a key of."""
    return {name: each for name, each in providers().items() if each.credentials}


def base_urls() -> dict[str, str]:
    """Every address at which a provider is reached, by its setting."""
    return {
        setting: url for each in providers().values() for setting, url in each.base_urls().items()
    }


@cache
def person_fields() -> PersonFields:
    """The fields that say who somebody is, of all providers together."""
    every = [each.person_fields for each in with_inbound().values()]
    return PersonFields(
        names=frozenset().union(*(each.names for each in every)),
        details=frozenset().union(*(each.details for each in every)),
        persons=frozenset().union(*(each.persons for each in every)),
    )
