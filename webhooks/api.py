"""The receiver's operations: which handler answers at which address, and what all endpoints of the
API have in common: authentication, the hourly limit, and the form of errors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.platform import schemas as models
from core.platform.database import outage
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
from core.platform.outage import is_outage
from core.tenancy.access.api_access import NotSignedIn, caller_of
from core.tenancy.access.api_limits import Rate, count_request
from core.tenancy.access.schemas import LoginRequest, LoginToken
from webhooks import api_metrics, health
from webhooks.answers import as_json, refusal
from webhooks.body import INCOMPLETE, BodyTooLarge, read_body
from webhooks.cors import granted_origin, preflight
from webhooks.endpoint import Answer, Endpoint, Operation
from webhooks.endpoints import auth, events, leads, payments, payouts
from webhooks.openapi import describe
from webhooks.receive import receive

log = logger("webhooks.api")
STATUSES: dict[type[SalesOpsError], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    InvalidInput: 422,
    Misconfigured: 503,
}


def answering(endpoint: Endpoint) -> Callable[[Request], object]:
    """A route for a signed-in program. It checks identity, hourly limit, role, module and scope,
    reads the request into its models, and runs the handler in a thread. Errors become JSON.
    """

    def work(request: Request, body: bytes) -> Response:
        caller = caller_of(request.headers.get("authorization"))
        rate = count_request(caller.organization_id, caller.plan)
        origin: dict[str, str] = {}
        try:
            origin = granted_origin(request, caller.transaction)
            _stay_within(rate)
            caller.require(endpoint.access)
            answer = _answer(endpoint, endpoint.handler(endpoint.read(caller, request, body)))
        except SalesOpsError as error:
            answer = _refused(error)
        answer.headers.update(rate.headers() | origin)
        return answer

    return _guarded(work)


def _answer(endpoint: Endpoint, answer: Answer) -> Response:
    if isinstance(answer, Response):
        return answer
    model, status = answer if isinstance(answer, tuple) else (answer, endpoint.statuses[0])
    return as_json(model, status)


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
    @wraps(work)
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
            if is_outage(error):
                outage.noticed(error)
            else:
                log.warning("no connection is free", error=type(error).__name__)
            return refusal(503, "unavailable", "The database is away; try again.", retry_after_s=10)

    return route


class Status(models.Response):
    """The status of the process or of a delivery, in one word."""

    status: str


async def openapi(_: Request) -> Response:
    """The description of everything at this address."""
    return JSONResponse(document())


def document() -> dict[str, Any]:
    """The API description."""
    return describe((*OPEN, *ENDPOINTS))


LOGIN = Operation(
    "POST",
    "/api/auth/login",
    _guarded(auth.login),
    request=LoginRequest,
    response=LoginToken,
    errors=(400, 401, 403, 413, 422, 429, 500, 503),
)
OPEN = (
    Operation(
        "POST",
        "/webhooks/{provider}/{connection_id}",
        receive,
        response=Status,
        errors=(400, 401, 408, 413, 429, 500, 503),
    ),
    Operation("GET", "/healthz", health.healthz, response=Status, errors=(500,)),
    Operation("GET", "/readyz", health.readyz, response=Status, errors=(500, 503)),
    Operation("GET", "/metrics", health.metrics, content=("text/plain",), errors=(500,)),
    LOGIN,
    Operation("GET", "/api/openapi.json", openapi, errors=(500,)),
)
ENDPOINTS = (
    *api_metrics.ENDPOINTS,
    *events.ENDPOINTS,
    *payments.ENDPOINTS,
    *leads.ENDPOINTS,
    *payouts.ENDPOINTS,
)


def preflights() -> list[Route]:
    """A browser's question before each address that takes a token or gives one."""
    methods: dict[str, list[str]] = {}
    for each in (LOGIN, *ENDPOINTS):
        methods.setdefault(each.path, []).append(each.method)
    return [
        Route(path, _guarded(preflight(allowed)), methods=["OPTIONS"])
        for path, allowed in methods.items()
    ]


routes = [
    *(Route(each.path, each.handler, methods=[each.method]) for each in OPEN),
    *(Route(each.path, answering(each), methods=[each.method]) for each in ENDPOINTS),
    *preflights(),
]
