"""uvicorn's HTTP protocol with limits on what is not a whole request yet, and so has no sender that
is verified: how long its head may be, how long it may take, and how many there may be.

uvicorn itself would collect a head for as long as somebody sends it, and wait for a body for ever.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from core.platform.security_headers import FOR_ALL
from webhooks.answers import refusal
from webhooks.failed_signatures import network
from webhooks.headers import HEADERS

MAX_HEAD = 64 * 1024
WHOLE_WITHIN_S = 20.0
SWEEP_EVERY_S = 1.0
# A genuine request is whole after milliseconds: among so many it is never the oldest.
MAX_UNFINISHED = 500
MAX_UNFINISHED_PER_ADDRESS = 100
RETRY_AFTER_S = 10
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection:"
    b" close\r\n\r\n"
)


class Unfinished:
    """The connections on which a request is awaited or only partly there, since when. Where there
    are too many, the oldest makes way: of its own network, or of all.
    """

    def __init__(self) -> None:
        self.since: dict[BoundedRequests, float] = {}
        self.of_network: dict[str, dict[BoundedRequests, None]] = defaultdict(dict)
        self.sweeping: asyncio.TimerHandle | None = None

    def add(self, connection: BoundedRequests) -> None:
        """From now on, unless it is there already."""
        if connection in self.since:
            return
        self.since[connection] = connection.loop.time()
        neighbours = self.of_network[connection.network]
        neighbours[connection] = None
        if len(neighbours) > MAX_UNFINISHED_PER_ADDRESS:
            message = "Too many requests from this address were not finished."
            next(iter(neighbours)).send_away(429, "too_many_requests", message)
        elif len(self.since) > MAX_UNFINISHED:
            message = "Too many requests were not finished; send it again."
            next(iter(self.since)).send_away(503, "unavailable", message)
        if self.sweeping is None:
            self.sweeping = connection.loop.call_later(SWEEP_EVERY_S, self._sweep, connection.loop)

    def remove(self, connection: BoundedRequests) -> None:
        """Its request is whole, or it is closed."""
        if self.since.pop(connection, None) is None:
            return
        neighbours = self.of_network[connection.network]
        neighbours.pop(connection)
        if not neighbours:
            del self.of_network[connection.network]

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        too_old = loop.time() - WHOLE_WITHIN_S
        for connection in [each for each, since in self.since.items() if since < too_old]:
            connection.send_away(408, "too_slow", "The request was not whole in time.")
        self.sweeping = loop.call_later(SWEEP_EVERY_S, self._sweep, loop) if self.since else None


unfinished = Unfinished()


class BoundedRequests(HttpToolsProtocol):
    """Closes a connection whose request line and headers are longer than ``MAX_HEAD``, and one that
    makes way among the unfinished.

    The piece of data in which a head begins is not counted: it may hold the end of another request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.head_is_open = False
        self.head_size = 0
        self.is_whole = False
        self.network = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.network = network(self.client[0]) if self.client else ""
        unfinished.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        unfinished.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.head_size += len(data)
        if self.cycle is None or self.cycle.response_complete:
            self.is_whole = False  # what begins now is another request, if anything
        super().data_received(data)
        if self.head_is_open and self.head_size > MAX_HEAD and not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            self.transport.close()
        # While earlier requests are answered uvicorn reads no further, and waits for nobody.
        is_answering = self.is_whole and not self.cycle.response_complete
        if is_answering or self.pipeline or self.transport.is_closing():
            unfinished.remove(self)
        else:
            unfinished.add(self)

    def on_message_begin(self) -> None:
        self.head_is_open, self.head_size, self.is_whole = True, 0, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.head_is_open = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.is_whole = True
        super().on_message_complete()

    def send_away(self, status: int, code: str, message: str) -> None:
        """Answers with the refusal and closes the connection. Without an answer where nothing was
        asked, or an answer has begun.
        """
        unfinished.remove(self)
        if self._awaits_answer():
            answer = refusal(status, code, message, retry_after_s=RETRY_AFTER_S)
            answer.headers.update(FOR_ALL | HEADERS | {"Connection": "close"})
            head = b"".join(b"%s: %s\r\n" % header for header in answer.raw_headers)
            self.transport.write(STATUS_LINE[status] + head + b"\r\n" + bytes(answer.body))
        self.transport.close()

    def _awaits_answer(self) -> bool:
        if self.cycle is None:
            return self.head_is_open
        if self.head_is_open:  # the cycle is that of an earlier request
            return self.cycle.response_complete
        return not self.cycle.response_started
