"""The security headers of the receiver. Its responses are for programs, so a browser must not
cache, frame or run them.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from core.platform.security_headers import with_headers
from core.platform.settings import settings

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Plain ASGI instead of a Starlette middleware, since every delivery passes through it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = with_headers(send, HEADERS, address=settings().webhook_public_url)
        await self.app(scope, receive, send)
