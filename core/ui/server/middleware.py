"""What stands before every request to the screens: headers for all, changes only from our own
pages, and files and exports only for who is signed in.

Pages themselves answer everybody: the shell shows the sign-in until there is a viewer, and each
page asks again.
"""

from __future__ import annotations

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.platform.security_headers import with_headers
from core.platform.settings import settings
from core.tenancy.access.sessions import viewer_of

COOKIE = "sid"
SIGNED_IN_ONLY = ("/media/", "/exports/", "/_stcore/metrics", "/_stcore/upload_file")
ONLY_READ = ("GET", "HEAD", "OPTIONS")
# Streamlit writes its first script and its styles into the page, and takes pictures, downloads and
# components' scripts from memory. All else comes from this address; code made of text (eval) is
# refused, which charts of Vega would need.
CONTENT = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "frame-src": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


def headers_at(address: str) -> dict[str, str]:
    """What goes with every answer of the screens that are reached at ``address``."""
    # To older browsers a socket is not “self”.
    content = CONTENT | {"connect-src": f"'self' {address.rstrip('/').replace('http', 'ws', 1)}"}
    return {
        "Content-Security-Policy": "; ".join(
            f"{kind} {sources}" for kind, sources in content.items()
        ),
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


class ScreensMiddleware:
    """Raw ASGI, so that it sees WebSockets too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal, address = await self._refusal(scope), settings().public_url
        await (refusal or self.app)(
            scope, receive, with_headers(send, headers_at(address), address=address)
        )

    async def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """What is answered in place of what was asked for; None lets it through."""
        if scope["method"] not in ONLY_READ and not same_origin(Headers(scope=scope)):
            return PlainTextResponse("This request came from another site.", 403)
        if scope["path"].startswith(SIGNED_IN_ONLY) and not await self._signed_in(scope):
            return PlainTextResponse("Sign in first.", 401)
        return None

    async def _signed_in(self, scope: Scope) -> bool:
        return (
            await to_thread.run_sync(viewer_of, HTTPConnection(scope).cookies.get(COOKIE))
            is not None
        )


def same_origin(headers: Headers) -> bool:
    """Whether a request that may change something comes from our own page: browsers always say
    where it was made.
    """
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    ours = tuple(f"{scheme}://{headers.get('host')}" for scheme in ("https", "http"))
    if "origin" in headers:
        return headers["origin"] in ours
    return headers.get("referer", "").startswith(tuple(f"{each}/" for each in ours))
