"""The security headers that both servers send with every response."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
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
    headers = FOR_ALL | dict(more)
    if urlsplit(address).scheme == "https":
        headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer = MutableHeaders(scope=message)
            for name, value in headers.items():
                answer.setdefault(name, value)
        await send(message)

    return sending
