"""One small real HTTP server that answers like every provider whose key is checked, each under its
own path.

Sources: the providers' API references, as named in ``core.providers.key_checks``; error bodies in
each one's own shape.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.serving import Fake, HangUp, Silence, Speaking

Answer = tuple[int, Any, dict[str, str]]
USER, COMPANY, LOCATION, SID = "19874321", "biz_Alder0001", "locAlder0001", "AC" + "0a" * 16
KEYS = {
    "calendly": "eyJhbGciOiJ.calendly.7QxNobody",
    "acuity": "5f1c0b9a7d2e4c63acuity",
    "stripe": "rk_live_7QxNobody5f1c0b9a",
    "whop": "apik_7QxNobody5f1c0b9a",
    "close": "api_7QxNobody.5f1c0b9a",
    "ghl": "pit-7qxnobody-5f1c0b9a",
    "ghl_legacy": "eyJhbGciOiJ.location.7QxNobody",
    "hubspot": "pat-eu1-7qxnobody-5f1c0b9a",
    "dialpad": "dp7QxNobody5f1c0b9a",
    "twilio": "5f1c0b9a7d2e4c635f1c0b9a7d2e4c63",
    "billy": "7QxNobody5f1c0b9a7d2e4c63",
}
SETTINGS: dict[str, dict[str, str]] = {
    "acuity": {"user_id": USER},
    "whop": {"company_id": COMPANY},
    "ghl": {"api": "v2", "location_id": LOCATION},
    "twilio": {"account_sid": SID},
}
NAME = "Alder Coaching"
PAGES: dict[str, Any] = {
    "/calendly/users/me": {
        "resource": {
            "uri": "https://api.calendly.com/users/U1",
            "name": NAME,
            "email": "alder@example.com",
        }
    },
    "/calendly/organization_memberships": {
        "collection": [{"role": "owner"}],
        "pagination": {"next_page_token": None},
    },
    "/acuity/me": {
        "id": int(USER),
        "name": NAME,
        "email": "alder@example.com",
        "timezone": "Europe/Copenhagen",
    },
    "/stripe/v1/charges": {"object": "list", "data": [], "has_more": False},
    "/stripe/v1/account": {
        "id": "acct_1",
        "object": "account",
        "settings": {"dashboard": {"display_name": NAME}},
    },
    f"/whop/companies/{COMPANY}": {"id": COMPANY, "title": NAME, "route": "alder"},
    "/whop/payments": {
        "data": [{"id": "pay_1", "user": {"email": "lead.one@example.com"}}],
        "page_info": {"has_next_page": False},
    },
    "/close/me/": {
        "id": "user_1",
        "email": "alder@example.com",
        "organizations": [{"id": "orga_1", "name": NAME}],
    },
    f"/ghl/locations/{LOCATION}": {
        "location": {"id": LOCATION, "name": NAME, "timezone": "Europe/Copenhagen"}
    },
    "/ghl_legacy/pipelines/": {"pipelines": []},
    "/hubspot/account-info/v3/details": {
        "portalId": 10000001,
        "accountType": "STANDARD",
        "timeZone": "Europe/Copenhagen",
    },
    "/hubspot/crm/v3/objects/contacts": {"results": []},
    "/hubspot/crm/v3/objects/deals": {"results": []},
    "/hubspot/crm/v3/owners": {"results": []},
    "/dialpad/offices": {"items": [{"id": "1000", "name": NAME, "is_primary_office": True}]},
    f"/twilio/Accounts/{SID}.json": {
        "sid": SID,
        "friendly_name": NAME,
        "status": "active",
        "type": "Full",
        "auth_token": KEYS["twilio"],
    },
    f"/twilio/Accounts/{SID}/Messages.json": {"messages": [], "page_size": 1},
    "/billy/organization": {
        "organization": {"id": "3mIN9EbD", "name": NAME, "baseCurrencyId": "DKK", "isLocked": False}
    },
}
WRONG_KEY: dict[str, tuple[int, Any]] = {
    "calendly": (401, {"title": "Unauthenticated", "message": "The access token is invalid"}),
    "acuity": (401, {"status_code": 401, "error": "unauthorized", "message": "Unauthorized"}),
    "stripe": (
        401,
        {
            "error": {
                "type": "invalid_request_error",
                "message": "Invalid API Key provided: rk_live_****9c0d",
            }
        },
    ),
    "whop": (
        401,
        {
            "error": {
                "type": "unauthorized",
                "message": "Invalid API key",
                "code": None,
                "param": None,
            }
        },
    ),
    "close": (401, {"error": "The api key you provided is invalid."}),
    "ghl": (
        401,
        {
            "statusCode": 401,
            "message": "Invalid token: access token is invalid",
            "error": "Unauthorized",
        },
    ),
    "ghl_legacy": (401, {"msg": "Api key is invalid."}),
    "hubspot": (
        401,
        {
            "status": "error",
            "message": "Authentication credentials not found.",
            "category": "INVALID_AUTHENTICATION",
        },
    ),
    "dialpad": (401, {"error": {"message": "Invalid API key."}}),
    "twilio": (401, {"code": 20003, "message": "Authenticate", "status": 401}),
    "billy": (
        401,
        {
            "errorCode": "OAUTH_INVALID_ACCESS_TOKEN",
            "errorMessage": "Invalid OAuth 2 access token.",
        },
    ),
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
    """The keys that are good, the pages that are answered, what may not be read, the texts that
    were taken, the numbers that get none (with the code that says why), and what was asked.

    With ``repeats_keys`` a wrong key stands in the refusal of it.
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
        """The product's settings that lead here."""
        return {f"{provider.upper()}_BASE_URL": f"{self.url}/{provider}" for provider in KEYS}

    def judged(self, asked: Asked) -> Answer:
        provider = asked.path.split("/")[1]
        if not self._is_known(provider, asked.headers):
            if self.repeats_keys:
                return 401, {"message": f"Unknown key, given as {asked.headers}"}, {}
            return *WRONG_KEY[provider], {}
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

    def _is_known(self, provider: str, headers: dict[str, str]) -> bool:
        key = self.keys[provider]
        basic = {"acuity": f"{USER}:{key}", "close": f"{key}:", "twilio": f"{SID}:{key}"}
        if provider == "billy":
            return headers.get("x-access-token") == key
        if provider == "ghl" and "version" not in headers:
            return False
        given = headers.get("authorization", "")
        if provider in basic:
            kind, _, told = given.partition(" ")
            return (
                kind == "Basic"
                and base64.b64decode(told).decode().replace("SK" + "0b" * 16, SID)
                == basic[provider]
            )
        return given == f"Bearer {key}"


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
