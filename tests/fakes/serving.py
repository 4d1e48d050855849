"""What every fake provider is made of: a real HTTP server on a port of its own, and handlers that
say what they are told.
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
    """Reads the request and closes the line without a word."""


@dataclass(frozen=True)
class Silence:
    """Reads the request and says nothing until the fake stops."""


class Speaking(BaseHTTPRequestHandler):
    """A handler that writes whole answers and no log."""

    def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests speak for themselves."""


class Fake:
    """A provider as the product reaches it; ``answers`` are what the next requests are told,
    whatever they are.
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
