"""The API described for programs (OpenAPI 3.1), made from the product's own lists, so that it cannot fall behind them."""
from __future__ import annotations

from typing import Any

from core.metrics.catalog import METRICS
from core.metrics.dimensions import DIMENSIONS
from core.metrics.export_tables import EXPORTS
from core.metrics.exports import FORMATS
from core.platform.settings import settings

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
DAY: Json = {"type": "string", "format": "date"}
ID: Json = {"type": "string", "format": "uuid"}
FLAG: Json = {"type": "boolean"}
ERRORS = {
    400: "The request makes no sense", 401: "No valid token", 403: "Not allowed", 404: "Nothing there", 409: "Not possible now",
    413: "More than 1 MiB", 422: "A value is wrong; field names it", 429: "Too many requests; wait Retry-After seconds",
    503: "The database is away; try again",
}
FORM = {
    **dict.fromkeys(("call_occurred", "lead_showed", "offer_made", "deal_closed"), FLAG),
    "cash_collected": {"type": ["string", "number"]}, "currency": TEXT,
    "payment_type": {"enum": ["pif", "payment_plan", "deposit"]}, "no_show_party": {"enum": ["guest", "host"]},
    **dict.fromkeys(("package_id", "call_outcome_id", "opportunity_status_id", "reason_id"), ID),
    "objections": {"type": "array", "items": TEXT}, "follow_up_on": DAY,
    **dict.fromkeys(("notes", "recording_url", "traffic_type"), TEXT),
}


def document() -> Json:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sales operations", "version": "1", "description": "Days are the organisation's, ends exclusive."},
        "servers": [{"url": settings().webhook_public_url}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _object({"error": _object({"code": TEXT, "message": TEXT, "field": TEXT}, ["code", "message"])})},
        },
    }


def _paths() -> Json:
    page = [_query("limit", {"type": "integer", "minimum": 1, "maximum": 500}), _query("cursor", TEXT)]
    days = [_query("start", DAY), _query("end", DAY)]
    narrowed = [_query(name, TEXT) for name in ("closer_id", "setter_id", "source_id", "traffic_type_id", "call_type_id")]
    form = _object(FORM, ["call_occurred"])
    payout = _object({"name": TEXT, "period_start": DAY, "period_end": DAY}, ["name", "period_start", "period_end"])
    login = _object({"email": TEXT, "password": TEXT, "organization": TEXT}, ["email", "password"])
    return {
        "/api/auth/login": {"post": _call("A token for a person", body=login, open_to_all=True)},
        "/api/metrics": {"get": _call("Figures of a period, grouped", [
            _query("start", DAY, required=True), _query("end", DAY, required=True), _query("by", TEXT, hint=list(DIMENSIONS)),
            _query("metrics", TEXT, hint=list(METRICS)),
            *[_query(f"filter.{name}", TEXT) for name in ("closer", "setter", "source", "traffic_type", "call_type")],
        ])},
        "/api/export": {"get": _call("A table, streamed", [
            _query("table", {"enum": list(EXPORTS)}, required=True), _query("start_date", DAY), _query("end_date", DAY),
            _query("format", {"enum": list(FORMATS)}), _query("columns", TEXT),
        ], answer="The rows")},
        "/api/events": {"get": _call("Booked calls, latest first", [
            *page, *days, *narrowed, _query("call_status", TEXT), _query("event_outcome", TEXT), _query("search", TEXT),
        ])},
        "/api/events/{id}/pcf": {"post": _call("File or correct a post-call form", [_ID_IN_PATH], body=form, status=201)},
        "/api/payments": {"get": _call("Payments, latest first", [
            *page, *days, *narrowed, _query("unattributed", {"enum": ["true"]}),
        ])},
        "/api/leads": {"get": _call("Inquiries, latest first", page)},
        "/api/payout-snapshots": {"post": _call("Freeze a period as a draft payout", body=payout, status=201)},
        "/api/payout-snapshots/{id}": {"get": _call("Header, summaries and details of a payout", [_ID_IN_PATH])},
        "/api/openapi.json": {"get": _call("This document", open_to_all=True)},
        "/healthz": {"get": _call("The process answers", open_to_all=True)},
        "/readyz": {"get": _call("The database is reachable and migrated", open_to_all=True)},
        "/metrics": {"get": _call("Prometheus text", open_to_all=True)},
        "/webhooks/{provider}/{connection_id}": {"post": _call("A provider's signed delivery", [
            {"name": "provider", "in": "path", "required": True, "schema": TEXT},
            {"name": "connection_id", "in": "path", "required": True, "schema": ID},
        ], body={"type": "object"}, open_to_all=True)},
    }


_ID_IN_PATH: Json = {"name": "id", "in": "path", "required": True, "schema": ID}


def _object(properties: Json, required: list[str] | None = None) -> Json:
    return {"type": "object", "properties": properties, "required": required or list(properties)}


def _query(name: str, schema: Json, *, required: bool = False, hint: list[str] | None = None) -> Json:
    described = {"description": f"One or more of {', '.join(hint)}, separated by commas."} if hint else {}
    return {"name": name, "in": "query", "required": required, "schema": schema} | described


def _call(
    summary: str, parameters: list[Json] | None = None, *, body: Json | None = None, status: int = 200, open_to_all: bool = False,
    answer: str = "Done",
) -> Json:
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    refused = {str(code): {"description": text, **error} for code, text in ERRORS.items()}
    made: Json = {
        "summary": summary, "parameters": parameters or [], "responses": {str(status): {"description": answer}} | refused,
    }
    if body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if open_to_all:
        made["security"] = []
    return made
