"""A small real HTTP server that takes e-mails as Resend does, remembers idempotency keys, and refuses what Resend refuses.

Source: Resend documentation, “Send email”, “Idempotency keys” and “Errors”.
"""
from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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
    """Takes the e-mail and closes the line without a word."""


class FakeResend:
    """The e-mails that went out, and what the next requests will be answered."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.requests = 0
        self.by_key: dict[str, tuple[bytes, str]] = {}
        self.answers: list[Answer | TakeAndHangUp] = []

    def will(self, *answers: Answer | TakeAndHangUp) -> None:
        self.answers += answers

    @contextmanager
    def running(self) -> Iterator[FakeResend]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def take(self, key: str, raw: bytes) -> Answer:
        known = self.by_key.get(key)
        if known is not None:
            return (200, {"id": known[1]}, {}) if known[0] == raw else OTHER_BODY
        mail = json.loads(raw)
        if not all(mail.get(name) for name in ("from", "to", "subject", "html")) or not isinstance(mail["to"], list):
            return INVALID
        self.by_key[key] = raw, f"mail-{len(self.by_key)}"
        self.sent.append(mail)
        return 200, {"id": self.by_key[key][1]}, {}


def _handler(resend: FakeResend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            resend.requests += 1
            answer = resend.answers.pop(0) if resend.answers else None
            if isinstance(answer, TakeAndHangUp):
                resend.take(self.headers["Idempotency-Key"], raw)
                self.close_connection = True
                return
            self._say(answer or self._judged(raw))

        def _judged(self, raw: bytes) -> Answer:
            if self.path != "/emails" or not self.headers.get("User-Agent"):
                return refusal(404, "not_found")
            if self.headers["Authorization"] != f"Bearer {API_KEY}":
                return WRONG_KEY
            return resend.take(self.headers["Idempotency-Key"], raw)

        def _say(self, answer: Answer) -> None:
            status, body, headers = answer
            text = json.dumps(body).encode()
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(text))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Tests speak for themselves."""

    return Handler
