"""The HTML that every screen begins with, which Streamlit serves as it was built: under the
product's own name, and knowing where its server is.

Without that Streamlit tries the longer paths of a deep link first, and each page leaves two errors
in the browser's console.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.ui.brand import PRODUCT

REPLACED = {
    b"<head>": (
        b'<head><script>window.__streamlit = { BACKEND_BASE_URL: location.origin + "/" }</script>'
    ),
    b"<title>Streamlit</title>": f"<title>{PRODUCT}</title>".encode(),
    b'href="./favicon.png"': b'href="/app/static/favicon.png"',
}


class FirstPageMiddleware:
    """Raw ASGI around Streamlit's routes. Only HTML is held until it is whole; it is asked for
    uncompressed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "." in scope["path"].rpartition("/")[2]:
            await self.app(scope, receive, send)
            return
        plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, _Page(send).send)


class _Page:
    """One answer, as far as it has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_whole(self._start)

    async def _send_whole(self, start: Message) -> None:
        body = self._body
        for built, ours in REPLACED.items():
            body = body.replace(built, ours, 1)
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_html(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    return start["status"] == 200 and headers.get("content-type", "").startswith("text/html")
