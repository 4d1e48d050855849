"""What stands before every request to the screens: headers for all, and files and exports only for who is signed in.

Pages themselves answer everybody: the shell shows the sign-in until there is a viewer, and each page asks again.
"""
from __future__ import annotations

from anyio import to_thread
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.tenancy.sign_in import viewer_of

COOKIE = "sid"
SIGNED_IN_ONLY = ("/media/", "/exports/", "/_stcore/metrics", "/_stcore/upload_file")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Gate:
    """Raw ASGI, so that it sees WebSockets too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["path"].startswith(SIGNED_IN_ONLY) and not await self._signed_in(scope):
            await PlainTextResponse("Sign in first.", 401)(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)

    async def _signed_in(self, scope: Scope) -> bool:
        return await to_thread.run_sync(viewer_of, HTTPConnection(scope).cookies.get(COOKIE)) is not None
