"""The HTTP API's routes, and what all of them share: who calls, how often, and how errors
are told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.platform.errors import (
    Conflict,
    InvalidInput,
    Misconfigured,
    NotAllowed,
    NotFound,
    SalesOpsError,
    TooManyRequests,
)
from core.platform.log import logger
from core.tenancy.access.api_access import Caller, NotSignedIn, caller_of
from core.tenancy.access.api_limits import Rate, count_request
from core.tenancy.access.authorization import Access
from core.tenancy.access.roles import ADMINS, EVERYBODY, MANAGERS, REPS
from core.tenancy.organizations.modules import BOOKINGS
from webhooks import api_auth, api_lists, api_metrics, api_payouts
from webhooks.answers import refusal
from webhooks.body import INCOMPLETE, BodyTooLarge, read_body
from webhooks.openapi import document

log = logger("webhooks.api")
STATUSES: dict[type[SalesOpsError], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    InvalidInput: 422,
    Misconfigured: 503,
}
Handler = Callable[[Caller, Request, bytes], Response]


def answering(call: Call) -> Callable[[Request], object]:
    """A route for a signed-in program: identity, hourly limit, role, module, then its handler in a
    thread, errors as JSON.
    """

    def work(request: Request, body: bytes) -> Response:
        caller = caller_of(request.headers.get("authorization"))
        rate = count_request(caller.organization_id, caller.plan)
        try:
            _stay_within(rate)
            caller.require(call.access)
            answer = call.handler(caller, request, body)
        except SalesOpsError as error:
            answer = _refused(error)
        answer.headers.update(rate.headers())
        return answer

    return _guarded(work)


def _stay_within(rate: Rate) -> None:
    if rate.wait_s:
        raise TooManyRequests(
            f"The plan allows {rate.limit} requests an hour.", retry_after_s=rate.wait_s
        )


def _refused(error: SalesOpsError) -> Response:
    if isinstance(error, TooManyRequests):
        return refusal(429, error.code, error.message, retry_after_s=error.retry_after_s)
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 400)
    return refusal(status, error.code, error.message, field=getattr(error, "field", None))


def _guarded(work: Callable[[Request, bytes], Response]) -> Callable[[Request], object]:
    async def route(request: Request) -> Response:
        try:
            body = await read_body(request)
            return await run_in_threadpool(work, request, body)
        except BodyTooLarge:
            return refusal(413, "too_large", "A request may be at most 1 MiB.")
        except ClientDisconnect:
            return refusal(400, "incomplete", INCOMPLETE)
        except SalesOpsError as error:
            return _refused(error)
        except (OperationalError, InterfaceError, NoFreeConnection) as error:
            log.warning("database away", error=type(error).__name__)
            return refusal(503, "unavailable", "The database is away; try again.", retry_after_s=10)

    return route


async def openapi(_: Request) -> Response:
    """The description of everything at this address."""
    return JSONResponse(document())


@dataclass(frozen=True)
class Call:
    """One thing that a program may ask for: where, what answers, and whom it is open to."""

    method: str
    path: str
    handler: Handler
    access: Access


CALLS = (
    Call(
        "GET",
        "/api/metrics",
        api_metrics.metrics,
        Access(EVERYBODY, BOOKINGS, scope="metrics:read"),
    ),
    Call("GET", "/api/export", api_metrics.export, Access(EVERYBODY, scope="export:read")),
    Call("GET", "/api/events", api_lists.events, Access(EVERYBODY, BOOKINGS, scope="events:read")),
    Call(
        "POST",
        "/api/events/{id}/pcf",
        api_lists.file_pcf,
        Access(REPS, BOOKINGS, scope="pcf:write"),
    ),
    Call(
        "GET",
        "/api/payments",
        api_lists.payments,
        Access(EVERYBODY, BOOKINGS, scope="payments:read"),
    ),
    Call("GET", "/api/leads", api_lists.leads, Access(EVERYBODY, scope="leads:read")),
    Call(
        "POST",
        "/api/payout-snapshots",
        api_payouts.create,
        Access(ADMINS, BOOKINGS, scope="payouts:write"),
    ),
    Call(
        "GET",
        "/api/payout-snapshots/{id}",
        api_payouts.show,
        Access(MANAGERS, BOOKINGS, scope="payouts:read"),
    ),
)
routes = [
    Route("/api/auth/login", _guarded(api_auth.login), methods=["POST"]),
    *(Route(call.path, answering(call), methods=[call.method]) for call in CALLS),
    Route("/api/openapi.json", openapi),
]
