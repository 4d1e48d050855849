"""Whose key it is and what it lets us do: what the checks of all providers share. Each provider's
own check asks the cheapest questions that it has an answer to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.platform.errors import PermissionMissing, UnexpectedAnswer
from core.providers.client import Client

WITHOUT_A_NAME = "an account without a name"


@dataclass(frozen=True)
class Account:
    """What a provider says of a key: whose it is, and what is to be known of it."""

    name: str
    remarks: tuple[str, ...] = ()


Check = Callable[[Client, Mapping[str, str]], Account]


def at(answer: Any, place: str) -> Any:
    """What stands at ``place`` (``items.0.name``) of an answer; None when nothing does."""
    for step in place.split("."):
        if isinstance(answer, list) and step.isdecimal():
            answer = answer[int(step)] if int(step) < len(answer) else None
        else:
            answer = answer.get(step) if isinstance(answer, dict) else None
    return answer


def name_in(client: Client, answer: Any, *places: str) -> str:
    """The first name at one of ``places``. Raises UnexpectedAnswer when the answer is no object at
    all.
    """
    if not isinstance(answer, dict):
        raise UnexpectedAnswer(
            f"{client.provider} answered with something else than was asked for."
        )
    return next((str(name) for place in places if (name := at(answer, place))), WITHOUT_A_NAME)


def looks_at(path: str, *places: str) -> Check:
    """The check of a provider that tells with one answer whose key it is."""

    def check(client: Client, _: Mapping[str, str]) -> Account:
        return Account(name_in(client, client.get(path), *places))

    return check


def may(client: Client, path: str, **params: str | int) -> bool:
    """Whether the key may read this."""
    try:
        client.get(path, **params)
    except PermissionMissing:
        return False
    return True
