"""Stripe's list of events: the newest first, a page behind the event that is named."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.serving import Fake, Speaking

KEY = "rk_live_7QxStory5f1c0b9a"
UNKNOWN = {"error": {"message": "No such event"}}


class FakeStripeEvents(Fake):
    """``answers`` are given to the next requests; None is the usual answer."""

    def __init__(self, largest_page: int = 3) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.largest_page = largest_page

    def handler(self) -> type[Speaking]:
        return _handler(self)

    def listed(self, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        since = int(query["created[gte]"])
        newest = sorted(self.events, key=lambda each: (each["created"], each["id"]), reverse=True)
        known = [each for each in newest if each["created"] >= since]
        if after := query.get("starting_after"):
            ids = [each["id"] for each in known]
            if after not in ids:
                return 400, UNKNOWN, {}
            known = known[ids.index(after) + 1 :]
        size = min(int(query["limit"]), self.largest_page)
        page = {"object": "list", "data": known[:size], "has_more": len(known) > size}
        return 200, page, {}


def _handler(fake: FakeStripeEvents) -> type[Speaking]:
    class Handler(Speaking):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            answer = fake.answers.pop(0) if fake.answers else None
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                answer = 401, {"error": {"message": "Invalid API Key provided"}}, {}
            elif address.path != "/v1/events":
                answer = 404, UNKNOWN, {}
            status, body, headers = answer or fake.listed(dict(parse_qsl(address.query)))
            text = json.dumps(body).encode()
            self.say(status, text, {"Content-Type": "application/json"} | headers)

    return Handler
