"""The receiver: webhooks, the HTTP API, and the addresses for monitoring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.platform.log import logger
from webhooks.answers import refusal
from webhooks.api import routes
from webhooks.headers import SecurityHeaders
from webhooks.pool import pool

log = logger("webhooks")


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Open the pool without waiting for the database, so that the process can report that it is
    away.
    """
    await pool().open(wait=False)
    yield
    await pool().close()
    pool.cache_clear()


async def defect(request: Request, error: Exception) -> Response:
    """The answer to an unexpected error: its traceback goes to the log, not to the caller."""
    log.error("defect", path=request.url.path, exc_info=error)
    return refusal(500, "internal_error", "Something went wrong on our side; nothing was changed.")


async def not_found(_request: Request, _error: Exception) -> Response:
    return refusal(404, "not_found", "There is nothing at this address.")


async def wrong_method(_request: Request, _error: Exception) -> Response:
    return refusal(405, "method_not_allowed", "This address does not take that method.")


# People paste addresses with a slash at the end, and Stripe and Calendly take a redirect for a
# failure: every address is answered in both spellings.
with_slash = [
    Route(f"{route.path}/", route.endpoint, methods=list(route.methods or ())) for route in routes
]
receiver = Starlette(
    routes=[*routes, *with_slash],
    lifespan=lifespan,
    exception_handlers={404: not_found, 405: wrong_method, Exception: defect},
)
receiver.router.redirect_slashes = False
# Around all of it, not a middleware within: a defect's answer is made outside of those.
app = SecurityHeaders(receiver)
