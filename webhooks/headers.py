"""What the receiver says with every answer: it is read by programs, and nothing of it is kept,
framed or run.
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
    """Raw ASGI, since it stands before every delivery."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = with_headers(send, HEADERS, address=settings().webhook_public_url)
        await self.app(scope, receive, send)
