"""A small real HTTP server that takes e-mails as Resend does, remembers idempotency keys, and
refuses what Resend refuses.

Source: Resend documentation, “Send email”, “Idempotency keys” and “Errors”.
"""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.serving import Fake, Speaking

API_KEY = "re_7Qx1TestKeyOfNobody_5f1c0b9a"
Answer = tuple[int, dict[str, Any], dict[str, str]]


def refusal(status: int, name: str, **headers: str) -> Answer:
    return status, {"statusCode": status, "name": name, "message": f"About {name}."}, headers


RATE_LIMITED = refusal(429, "rate_limit_exceeded", **{"retry-after": "30"})
QUOTA_USED_UP = refusal(429, "daily_quota_exceeded")
BROKEN = refusal(500, "application_error")
UNVERIFIED = refusal(403, "validation_error")
WRONG_KEY = refusal(403, "invalid_api_key")
INVALID = refusal(422, "validation_error")
OTHER_BODY = refusal(409, "invalid_idempotent_request")
STILL_RUNNING = refusal(409, "concurrent_idempotent_requests")


class TakeAndHangUp:
    """Accepts the e-mail and closes the connection without a response."""


class FakeResend(Fake):
    """The e-mails that it accepted, and its answers to the next requests."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []
        self.requests = 0
        self.by_key: dict[str, tuple[bytes, str]] = {}

    def handler(self) -> type[Speaking]:
        return _handler(self)

    def take(self, key: str, raw: bytes) -> Answer:
        known = self.by_key.get(key)
        if known is not None:
            return (200, {"id": known[1]}, {}) if known[0] == raw else OTHER_BODY
        mail = json.loads(raw)
        if not all(mail.get(name) for name in ("from", "to", "subject", "html")) or not isinstance(
            mail["to"], list
        ):
            return INVALID
        self.by_key[key] = raw, f"mail-{len(self.by_key)}"
        self.sent.append(mail)
        return 200, {"id": self.by_key[key][1]}, {}


def _handler(resend: FakeResend) -> type[Speaking]:
    class Handler(Speaking):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            resend.requests += 1
            answer = resend.answers.pop(0) if resend.answers else None
            if isinstance(answer, TakeAndHangUp):
                resend.take(self.headers["Idempotency-Key"], raw)
                self.close_connection = True
                return
            status, body, headers = answer or self._judged(raw)
            self.say(
                status, json.dumps(body).encode(), {"Content-Type": "application/json"} | headers
            )

        def _judged(self, raw: bytes) -> Answer:
            if self.path != "/emails" or not self.headers.get("User-Agent"):
                return refusal(404, "not_found")
            if self.headers["Authorization"] != f"Bearer {API_KEY}":
                return WRONG_KEY
            return resend.take(self.headers["Idempotency-Key"], raw)

    return Handler
