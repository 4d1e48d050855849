"""A small Calendly: meetings with their invitees behind a token, listed in pages by when they
start, as its API lists them.

What its webhooks tell it learns by ``learn``, so that one story can be told both ways.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.serving import Fake, HangUp, Speaking

TOKEN = "eyJhbGciOiJ.calendly.7QxStory"
ORGANIZATION = "https://api.calendly.com/organizations/O1"
REVOKED = (
    401,
    {"title": "Unauthenticated", "message": "The access token was revoked"},
    {},
)
HTML = (200, b"<html>Down for maintenance</html>", {"Content-Type": "text/html"})
BROKEN = (500, {"title": "Internal Server Error", "message": "Something went wrong"}, {})
MISSING = (404, {"title": "Resource Not Found", "message": "The server could not find it."}, {})


def busy(seconds: int, header: str = "X-RateLimit-Reset") -> tuple[int, Any, dict[str, str]]:
    return 429, {"title": "Too Many Requests"}, {header: str(seconds)}


class FakeCalendly(Fake):
    """``before`` is called before each page of meetings with its number, from 1: what it changes is
    on that page. ``answers`` are given to the next requests in place of what is known; None is the
    usual answer. ``repeats`` makes every page lead to the first one again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.token = TOKEN
        self.meetings: dict[str, dict[str, Any]] = {}
        self.invitees: dict[str, dict[str, dict[str, Any]]] = {}
        self.before: Callable[[int], None] = lambda _: None
        self.pages, self.asked = 0, list[str]()
        self.largest_page = 3
        self.repeats = False
        self.dies_at_page: int | None = None

    def learn(self, *deliveries: Mapping[str, Any]) -> None:
        """What these webhooks told, in their order."""
        for each in deliveries:
            invitee = dict(each["payload"])
            meeting = invitee.pop("scheduled_event")
            self.meetings[meeting["uri"]] = meeting
            self.invitees.setdefault(meeting["uri"], {})[invitee["uri"]] = invitee

    def forget(self, meeting: str) -> None:
        del self.meetings[meeting], self.invitees[meeting]

    def handler(self) -> type[Speaking]:
        return _handler(self)

    def answer(self, path: str, query: Mapping[str, str], key: str) -> Any:
        if key != f"Bearer {self.token}":
            return REVOKED
        parts = path.strip("/").split("/")
        match parts:
            case ["users", "me"]:
                me = {"uri": "https://api.calendly.com/users/U1", "name": "Office"}
                return 200, {"resource": me | {"current_organization": ORGANIZATION}}, {}
            case ["organization_memberships"]:
                return _list([{"role": "owner"}], None)
            case ["scheduled_events"] if query.get("organization") == ORGANIZATION:
                return self._meetings(query)
            case ["scheduled_events", key, "invitees"]:
                return self._invitees(key, query)
        return MISSING

    def _meetings(self, query: Mapping[str, str]) -> Any:
        self.pages += 1
        if self.dies_at_page is not None and self.pages >= self.dies_at_page:
            return HangUp()
        self.before(self.pages)
        begin = _at(query["min_start_time"]).isoformat()
        starts = {uri: _at(each["start_time"]) for uri, each in self.meetings.items()}
        known = sorted((start.isoformat(), uri) for uri, start in starts.items())
        after = query.get("page_token", "").removeprefix("after ").removeprefix("first")
        listed = [each for each in known if each[0] >= begin and " ".join(each) > after]
        size = min(int(query["count"]), self.largest_page)
        page = listed[:size]
        token = f"after {' '.join(page[-1])}" if len(listed) > size else None
        if self.repeats and token:
            token = "first"
        return _list([self.meetings[uri] for _, uri in page], token)

    def _invitees(self, key: str, query: Mapping[str, str]) -> Any:
        found = next((uri for uri in self.invitees if uri.endswith(f"/{key}")), None)
        if found is None:
            return MISSING
        every = list(self.invitees[found].values())
        first = int(query.get("page_token", 0))
        last = first + min(int(query["count"]), self.largest_page)
        return _list(every[first:last], str(last) if last < len(every) else None)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _list(collection: list[Any], token: str | None) -> Any:
    pagination = {"count": len(collection), "next_page_token": token}
    return 200, {"collection": collection, "pagination": pagination}, {}


def _handler(fake: FakeCalendly) -> type[Speaking]:
    class Handler(Speaking):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            fake.asked.append(address.path)
            answer = fake.answers.pop(0) if fake.answers else None
            if answer is None:
                query = dict(parse_qsl(address.query))
                answer = fake.answer(address.path, query, self.headers.get("Authorization", ""))
            if isinstance(answer, HangUp):
                self.close_connection = True
                return
            status, body, headers = answer
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.say(status, text, {"Content-Type": "application/json"} | headers)

    return Handler
