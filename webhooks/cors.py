"""Cross-origin requests: pages of other origins that use the API from a browser, with a token and
never with a cookie.

An organisation lists the origins of its pages. A preflight carries no token, so nobody knows yet
whose it is: it is granted where any organisation lists the origin, which tells a page no more than
that it may ask. The request itself carries the token, and is refused unless the token's own
organisation lists the origin. Webhook addresses answer no preflight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from core.platform.database import as_guest
from core.platform.errors import NotAllowed
from core.platform.settings import settings
from core.tenancy.access.models import AccessSettings
from core.tenancy.organizations.queries import settings_of
from webhooks.answers import refusal

HEADERS = "Authorization, Content-Type"
EXPOSED = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
REMEMBERED_S = 600  # a browser asks no earlier again
VARY = {"Vary": "Origin"}


class OriginNotAllowed(NotAllowed):
    """The request comes from a page whose origin the organisation does not list."""

    code = "origin_not_allowed"


def preflight(methods: Collection[str]) -> Callable[[Request, bytes], Response]:
    """What answers at an address with these methods when a browser asks whether a page of another
    origin may use it.
    """

    def answer(request: Request, _body: bytes) -> Response:
        return _granted(request, ", ".join(sorted(methods)))

    return answer


def _granted(request: Request, methods: str) -> Response:
    origin = request.headers.get("origin", "")
    if not origin or "access-control-request-method" not in request.headers:
        return refusal(405, "method_not_allowed", "This address does not take that method.")
    with as_guest() as db:
        known = db.execute(text("select app.is_api_origin(:origin)"), {"origin": origin}).scalar()
    if not known:
        return refusal(403, OriginNotAllowed.code, "No organisation lists this origin.")
    granted = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": HEADERS,
        "Access-Control-Max-Age": str(REMEMBERED_S),
    }
    return Response(status_code=204, headers=granted | VARY)


def granted_origin(
    request: Request, transaction: Callable[[], AbstractContextManager[Session]]
) -> dict[str, str]:
    """The headers that let the page read the answer; none for a program that is no page, and for a
    page of our own address. ``transaction`` is one of whoever the token belongs to.

    Raises OriginNotAllowed where their organisation does not list the page's origin.
    """
    origin = request.headers.get("origin")
    if not origin or origin == _own_origin():
        return {}
    with transaction() as db:
        listed = settings_of(db, AccessSettings).api_origins
    if origin not in listed:
        raise OriginNotAllowed(
            "Your organisation does not list the origin of this page; an admin can add it under"
            " Settings."
        )
    granted = {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}
    return granted | VARY


def _own_origin() -> str:
    own = urlsplit(settings().webhook_public_url)
    return f"{own.scheme}://{own.netloc}"
