"""Requests to our own routes behind their middleware, over HTTP, as from a browser, a program or a
stranger.
"""

from __future__ import annotations

from typing import Any

import anyio
import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware

from core.ui.server.middleware import COOKIE, ScreensMiddleware
from core.ui.server.routes import routes

HERE = "http://screens"
OWN = {"Origin": HERE}
app = Starlette(routes=routes, middleware=[Middleware(ScreensMiddleware)])


def ask(
    method: str, path: str, *, cookie: str | None = None, at: str = HERE, **request: Any
) -> httpx.Response:
    """The response to a request at ``path``. A request that changes something needs
    ``headers=OWN``.
    """

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url=at, cookies={COOKIE: cookie} if cookie else {}
        ) as client:
            return await client.request(method, path, **request)

    return anyio.run(asked)
