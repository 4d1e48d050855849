"""The page that somebody asked for, remembered while they are at their company's sign-in,
which always sends them back to the start.

A cookie of their own browser keeps it for the few minutes. Only a path of this server is ever
written into it or read from it.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.ui.server.routes import local_path

COOKIE = "asked_for"
LEAVES, COMES_BACK = (
    "/auth/login",
    "/oauth2callback",
)  # Streamlit's own routes on both sides of the provider
REMEMBERED_S = 600
LONGEST = 1500
IN_A_HEADER = "/?#&=%:@!$'()*+,;-._~"


class ReturnUrlMiddleware:
    """Raw ASGI around Streamlit's routes, whose answers it completes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        completes = (
            {LEAVES: _remember, COMES_BACK: _lead_back}.get(scope.get("path", ""))
            if scope["type"] == "http"
            else None
        )
        await self.app(
            scope,
            receive,
            _completed(send, HTTPConnection(scope), completes) if completes else send,
        )


def _completed(
    send: Send, request: HTTPConnection, completes: Callable[[HTTPConnection, MutableHeaders], None]
) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and "location" in (
            headers := MutableHeaders(scope=message)
        ):
            completes(request, headers)
        await send(message)

    return sending


def _remember(request: HTTPConnection, headers: MutableHeaders) -> None:
    """Browsers say from which page of ours they leave; from the start there is nothing to
    remember.
    """
    left = urlsplit(request.headers.get("referer", ""))
    path = (
        local_path(left.path + (f"?{left.query}" if left.query else ""))
        if left.netloc == request.headers.get("host")
        else "/"
    )
    path_left = quote(path, safe="") if path != "/" and len(path) <= LONGEST else ""
    _set_cookie(request, headers, path_left)


def _lead_back(request: HTTPConnection, headers: MutableHeaders) -> None:
    """Also when the provider turned them down: then the sign-in is shown where they wanted
    to go.
    """
    path = local_path(unquote(request.cookies.get(COOKIE, "")))
    if urlsplit(headers["location"]).path == "/" and path != "/":
        headers["location"] = quote(path, safe=IN_A_HEADER)
    _set_cookie(request, headers, "")


def _set_cookie(request: HTTPConnection, headers: MutableHeaders, value: str) -> None:
    if not value and COOKIE not in request.cookies:
        return
    baked = Response()
    age, secure = REMEMBERED_S if value else 0, request.url.scheme == "https"
    baked.set_cookie(COOKIE, value, age, path="/", secure=secure, httponly=True, samesite="lax")
    headers.append("set-cookie", baked.headers["set-cookie"])
