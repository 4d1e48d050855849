"""A small real HTTP server that answers like every provider whose key is verified, each under its
own path.

``tests.fakes.systems`` declares the answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.serving import Fake, HangUp, Silence, Speaking
from tests.fakes.systems import accounts
from tests.fakes.systems.twilio import SID

Answer = tuple[int, Any, dict[str, str]]
ACCOUNTS = accounts()
KEYS = {name: account.key for name, account in ACCOUNTS.items()}
SETTINGS = {name: account.settings for name, account in ACCOUNTS.items()}
PAGES = {
    f"/{name}{path}": page
    for name, account in ACCOUNTS.items()
    for path, page in account.pages.items()
}
FORBIDDEN = (403, {"message": "This key has not been granted all scopes that are needed."})
UNKNOWN = (404, {"message": "There is no such thing."})
TEXTS = f"/twilio/Accounts/{SID}/Messages.json"
BROKEN: Answer = (500, {"message": "Internal Server Error"}, {})
OVERLOADED: Answer = (503, {}, {"Retry-After": "0"})


def rate_limited(**headers: str) -> Answer:
    return (
        429,
        {"message": "Too Many Requests"},
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


def refused_text(code: int, to: str) -> Answer:
    about = f"https://www.twilio.com/docs/errors/{code}"
    return (
        400,
        {"code": code, "message": f"Refused 'To' number {to}", "more_info": about, "status": 400},
        {},
    )


@dataclass
class Asked:
    """One request that came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


class FakeProviders(Fake):
    """Its state: the valid keys, the pages it answers, those it refuses, the texts it accepted, the
    numbers it refuses with the code of the reason, and the requests it received.

    With ``repeats_keys`` its refusal of a wrong key quotes the key.
    """

    def __init__(self, keys: dict[str, str] | None = None, *, repeats_keys: bool = False) -> None:
        super().__init__()
        self.keys, self.pages = dict(KEYS if keys is None else keys), dict(PAGES)
        self.forbidden: set[str] = set()
        self.texts: list[dict[str, str]] = []
        self.refused_numbers: dict[str, int] = {}
        self.asked: list[Asked] = []
        self.repeats_keys = repeats_keys

    def handler(self) -> type[Speaking]:
        return _handler(self)

    @property
    def addresses(self) -> dict[str, str]:
        """Settings that make the product send its requests here."""
        return {f"{provider.upper()}_BASE_URL": f"{self.url}/{provider}" for provider in KEYS}

    def judged(self, asked: Asked) -> Answer:
        provider = asked.path.split("/")[1]
        account = ACCOUNTS[provider]
        if not account.is_known(self.keys[provider], asked.headers):
            if self.repeats_keys:
                return 401, {"message": f"Unknown key, given as {asked.headers}"}, {}
            return 401, account.refusal, {}
        if asked.path in self.forbidden:
            return *FORBIDDEN, {}
        if asked.method == "POST" and asked.path == TEXTS:
            return self._texted(asked)
        if asked.path not in self.pages:
            return *UNKNOWN, {}
        return 200, self.pages[asked.path], {}

    def _texted(self, asked: Asked) -> Answer:
        if not asked.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return *UNKNOWN, {}
        said = dict(parse_qsl(asked.body.decode()))
        if (code := self.refused_numbers.get(said["To"])) is not None:
            return refused_text(code, said["To"])
        self.texts.append(said)
        return (
            201,
            {
                "sid": f"SM{len(self.texts):032x}",
                "status": "queued",
                "to": said["To"],
                "error_code": None,
            },
            {},
        )


def _handler(fake: FakeProviders) -> type[Speaking]:
    class Handler(Speaking):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, address.path, address.query, headers, body)
            fake.asked.append(asked)
            answer = fake.answers.pop(0) if fake.answers else fake.judged(asked)
            if isinstance(answer, Silence):
                fake.stopping.wait()
            if isinstance(answer, Silence | HangUp):
                self.close_connection = True
                return
            status, body, more = answer
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.say(status, text, {"Content-Type": "application/json"} | more)

        do_POST = do_GET

    return Handler
