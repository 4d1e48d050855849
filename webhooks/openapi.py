"""The API described for programs (OpenAPI 3.1), made from the product's own lists, so that it
cannot fall behind them.
"""

from __future__ import annotations

from core.bookings.listed import LISTED, LISTED_COLUMNS
from core.bookings.models import CallStatus, EventOutcome
from core.metrics.catalog import METRICS
from core.metrics.dimensions import DIMENSIONS
from core.metrics.export_tables import EXPORTS
from core.metrics.exports import FORMATS
from core.platform.paging import LARGEST_LIMIT
from core.platform.settings import settings
from webhooks.shapes import (
    COUNT,
    DAY,
    ERROR,
    EVENT,
    FILED,
    FORM,
    ID,
    LEAD,
    LOGIN,
    NEW_PAYOUT,
    PAYMENT,
    PAYOUT,
    TEXT,
    TOKEN,
    Json,
    made_of,
    metrics_answer,
    one_of,
    page_of,
)

ERRORS = {
    400: "The request makes no sense",
    401: "No valid token",
    403: "Not allowed",
    404: "Nothing there",
    409: "Not possible now",
    413: "More than 1 MiB",
    422: "A value is wrong; field names it",
    429: "Too many requests; wait Retry-After seconds",
    500: "A defect on our side",
    503: "The database is away; try again",
}
RATE: Json = {
    name: {"description": text, "schema": COUNT}
    for name, text in (
        ("X-RateLimit-Limit", "Requests that the organisation's plan allows in an hour"),
        ("X-RateLimit-Remaining", "How many are left in this one"),
        ("X-RateLimit-Reset", "When the next begins, in seconds since 1970"),
    )
}
UNCOUNTED = {
    "401",
    "413",
    "500",
    "503",
}  # answered before the request was counted, or instead of it
HEALTHY = made_of({"status": TEXT})
ERROR_REF: Json = {"$ref": "#/components/schemas/Error"}


def document() -> Json:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sales operations",
            "version": "1",
            "description": "Days are the organisation's, ends exclusive.",
        },
        "servers": [{"url": settings().webhook_public_url}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": ERROR},
        },
    }


def _paths() -> Json:
    page = [
        _query("limit", COUNT | {"minimum": 1, "maximum": LARGEST_LIMIT}),
        _query("cursor", TEXT),
    ]
    days = [_query("start", DAY), _query("end", DAY)]
    narrowed = [_query(name, TEXT) for name in LISTED_COLUMNS]
    return {
        "/api/auth/login": {
            "post": _call("A token for a person", {200: TOKEN}, body=LOGIN, open_to_all=True)
        },
        "/api/metrics": {
            "get": _call(
                "Figures of a period, grouped",
                {200: metrics_answer()},
                [
                    _query("start", DAY, required=True),
                    _query("end", DAY, required=True),
                    _query("by", TEXT, hint=list(DIMENSIONS)),
                    _query("metrics", TEXT, hint=list(METRICS)),
                    *[_query(f"filter.{name}", TEXT) for name in LISTED],
                ],
            )
        },
        "/api/export": {
            "get": _call(
                "A table, streamed",
                {200: dict.fromkeys(FORMATS.values(), TEXT)},
                [
                    _query("table", one_of(EXPORTS), required=True),
                    _query("start_date", DAY),
                    _query("end_date", DAY),
                    _query("format", one_of(FORMATS)),
                    _query("columns", TEXT),
                ],
            )
        },
        "/api/events": {
            "get": _call(
                "Booked calls, latest first",
                {200: page_of(EVENT)},
                [
                    *page,
                    *days,
                    *narrowed,
                    _query("call_status", TEXT, hint=list(CallStatus)),
                    _query("event_outcome", TEXT, hint=list(EventOutcome)),
                    _query("search", TEXT),
                ],
            )
        },
        "/api/events/{id}/pcf": {
            "post": _call(
                "File (201) or correct (200) a post-call form",
                {201: FILED, 200: FILED},
                [_path("id")],
                body=FORM,
            )
        },
        "/api/payments": {
            "get": _call(
                "Payments, latest first",
                {200: page_of(PAYMENT)},
                [
                    *page,
                    *days,
                    *narrowed,
                    _query("unattributed", one_of(["true"])),
                ],
            )
        },
        "/api/leads": {"get": _call("Inquiries, latest first", {200: page_of(LEAD)}, page)},
        "/api/payout-snapshots": {
            "post": _call("Freeze a period as a draft payout", {201: PAYOUT}, body=NEW_PAYOUT)
        },
        "/api/payout-snapshots/{id}": {
            "get": _call("Header, summaries and details of a payout", {200: PAYOUT}, [_path("id")])
        },
        "/api/openapi.json": {
            "get": _call("This document", {200: {"type": "object"}}, open_to_all=True)
        },
        "/healthz": {"get": _call("The process answers", {200: HEALTHY}, open_to_all=True)},
        "/readyz": {
            "get": _call("The database is reachable and migrated", {200: HEALTHY}, open_to_all=True)
        },
        "/metrics": {
            "get": _call("Prometheus text", {200: {"text/plain": TEXT}}, open_to_all=True)
        },
        "/webhooks/{provider}/{connection_id}": {
            "post": _call(
                "A provider's signed delivery",
                {200: HEALTHY},
                [
                    _path("provider", TEXT),
                    _path("connection_id"),
                ],
                body={"type": "object"},
                open_to_all=True,
            )
        },
    }


def _path(name: str, schema: Json = ID) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(
    name: str, schema: Json, *, required: bool = False, hint: list[str] | None = None
) -> Json:
    described = (
        {"description": f"One or more of {', '.join(hint)}, separated by commas."} if hint else {}
    )
    return {"name": name, "in": "query", "required": required, "schema": schema} | described


def _call(
    summary: str,
    answers: dict[int, Json],
    parameters: list[Json] | None = None,
    *,
    body: Json | None = None,
    open_to_all: bool = False,
) -> Json:
    """``answers`` is the schema of each good answer's JSON, or for other content a schema for each
    of its types.
    """
    good = {
        str(code): {"description": summary, "content": _content(schema)}
        for code, schema in answers.items()
    }
    refused = {
        str(code): {"description": text, "content": _content(ERROR_REF)}
        for code, text in ERRORS.items()
    }
    made: Json = {"summary": summary, "parameters": parameters or [], "responses": good | refused}
    if body is not None:
        made["requestBody"] = {"required": True, "content": _content(body)}
    if open_to_all:
        made["security"] = []
    else:
        for code in set(made["responses"]) - UNCOUNTED:
            made["responses"][code]["headers"] = RATE
    return made


def _content(schema: Json) -> Json:
    by_type = schema if any("/" in name for name in schema) else {"application/json": schema}
    return {kind: {"schema": each} for kind, each in by_type.items()}
