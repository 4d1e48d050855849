"""Calendly's lists, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.platform.errors import UnexpectedAnswer
from core.providers.account import at
from core.providers.client import Client
from core.providers.values import mapping, word


def listed(client: Client, path: str, **params: str | int) -> Iterator[list[dict[str, Any]]]:
    """The objects of a list, a page at a time. Raises as ``Client.get`` does, and UnexpectedAnswer
    for a list that leads back to a page of before, of which there would be no end.
    """
    seen = set[str]()
    while True:
        answer = client.get(path, **params)
        found = mapping(answer).get("collection")
        if not isinstance(found, list):
            raise UnexpectedAnswer(f"{client.provider} answered without the list it was asked for.")
        yield [mapping(each) for each in found]
        token = word(at(answer, "pagination.next_page_token"))
        if token is None:
            return
        if token in seen:
            raise UnexpectedAnswer(f"{client.provider}'s list leads back to an earlier page.")
        seen.add(token)
        params["page_token"] = token
