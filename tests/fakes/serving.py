"""The base of every fake provider: a real HTTP server on its own port, and handlers whose answers
can be set.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class HangUp:
    """Reads the request and closes the connection without a response."""


@dataclass(frozen=True)
class Silence:
    """Reads the request and does not respond until the fake stops."""


class Speaking(BaseHTTPRequestHandler):
    """A handler that writes whole answers and logs nothing."""

    def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


class Fake:
    """A provider as the product reaches it. ``answers`` are given to the next requests, whatever
    they are.
    """

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.stopping = threading.Event()
        self.url = ""

    def handler(self) -> type[Speaking]:
        raise NotImplementedError

    def will(self, *answers: Any) -> None:
        self.answers += answers

    @contextmanager
    def running(self) -> Iterator[Self]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            server.shutdown()
            server.server_close()
            thread.join()
