"""A small real HTTP server that answers like GoHighLevel's contacts and notes, API 2.0.

Source: HighLevel API 2.0, contacts.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.serving import Fake, Speaking

KEY, LOCATION = "pit-7qxnobody-1d2e", "locAlder0001"
NOTES = re.compile(r"/contacts/(\w+)/notes(?:/(\w+))?")
RATE_LIMITED = (429, {"statusCode": 429, "message": "Too Many Requests"}, {"Retry-After": "0"})
HTML = (502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"})


class Lost(Enum):
    """The work is done and its answer never comes."""

    ANSWER = 1


class FakeGhl(Fake):
    """The contacts' ids by e-mail, their notes by id, and the requests that came."""

    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, str] = {}
        self.notes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.revoked = False

    def handler(self) -> type[Speaking]:
        return _handler(self)

    def judged(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        if path == "/contacts/search/duplicate" and query["locationId"] == [LOCATION]:
            known = self.contacts.get(query["email"][0])
            return 200, {"contact": known and {"id": known}}, {}
        if (found := NOTES.fullmatch(path)) is None or found[1] not in self.contacts.values():
            return 404, {"statusCode": 404, "message": "Not Found"}, {}
        return self._note(method, found[1], found[2], body)

    def _note(self, method: str, contact: str, note: str | None, body: Any) -> Any:
        if method == "GET":
            return 200, {"notes": list(self.notes.values())}, {}
        if method == "POST":
            note = f"n{len(self.notes) + 1}"
        elif note not in self.notes:
            return 404, {"statusCode": 404, "message": "Not Found"}, {}
        self.notes[str(note)] = {"id": str(note), "contactId": contact, "body": body["body"]}
        return 201 if method == "POST" else 200, {"note": self.notes[str(note)]}, {}


def _handler(fake: FakeGhl) -> type[Speaking]:
    class Handler(Speaking):
        def do_GET(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            address = urlsplit(self.path)
            fake.asked.append(f"{self.command} {address.path}")
            planned: Any = fake.answers.pop(0) if fake.answers else None
            answer: Any = planned
            if planned is None or planned is Lost.ANSWER:
                answer = self._judged(address.path, address.query, raw)
            if planned is Lost.ANSWER:
                self.close_connection = True
                return
            status, body, more = answer
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.say(status, text, {"Content-Type": "application/json"} | more)

        def _judged(self, path: str, query: str, raw: bytes) -> Any:
            known = self.headers.get("Authorization") == f"Bearer {KEY}"
            if fake.revoked or not known or "Version" not in self.headers:
                return 401, {"statusCode": 401, "message": "Invalid token"}, {}
            body = json.loads(raw) if raw else None
            return fake.judged(self.command, path, parse_qs(query), body)

        do_POST = do_PUT = do_GET

    return Handler
