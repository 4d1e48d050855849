"""The security headers that both servers send with every response."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import Message, Send

YEAR_S = 365 * 24 * 3600
FOR_ALL = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def with_headers(send: Send, more: Mapping[str, str], *, address: str) -> Send:
    """``send``, adding to every response the common headers and ``more``; headers that a response
    sets itself win.

    Where ``address``, the server's public one, has TLS, browsers are asked to use nothing else.
    """
    headers = _encoded(tuple(more.items()), address)

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in message["headers"]}
            added = (header for header in headers if header[0] not in own)
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sending


@lru_cache
def _encoded(more: tuple[tuple[str, str], ...], address: str) -> list[tuple[bytes, bytes]]:
    """All of them in the form in which servers send them, which every response would make anew."""
    headers = FOR_ALL | dict(more)
    if urlsplit(address).scheme == "https":
        headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
