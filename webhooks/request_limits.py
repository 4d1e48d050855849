"""uvicorn's HTTP protocol with a limit on the length of a request's head. uvicorn itself would
collect a head for as long as somebody sends it.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection:"
    b" close\r\n\r\n"
)


class BoundedHead(HttpToolsProtocol):
    """Closes a connection whose request line and headers are longer than ``MAX_HEAD``.

    The piece of data in which a head begins is not counted: it may hold the end of another request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.head_is_open = False
        self.head_size = 0

    def data_received(self, data: bytes) -> None:
        self.head_size += len(data)
        super().data_received(data)
        if self.head_is_open and self.head_size > MAX_HEAD and not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        self.head_is_open, self.head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.head_is_open = False
        super().on_headers_complete()
