"""``GET /api/metrics`` and ``GET /api/export``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from core.metrics import exports
from core.metrics.catalog import METRICS
from core.metrics.dimensions import dimension
from core.metrics.filters import Filters
from core.metrics.schemas import FILTERS, ExportQuery, FiguresQuery, MetricsAnswer, MetricsQuery
from core.metrics.table import as_json, metrics_table
from core.platform.errors import InvalidInput
from core.platform.schemas import ids_of
from core.tenancy.access.roles import EVERYBODY
from core.tenancy.organizations.modules import BOOKINGS
from webhooks.endpoint import ApiRequest, Endpoint

LARGEST_DIMENSIONS = 3


def metrics(request: ApiRequest[FiguresQuery, None]) -> Response:
    """Figures of a period, grouped by any dimensions, as the caller may see them."""
    caller, asked = request.caller, request.query
    period, by = asked.period(caller.timezone), asked.by
    if len(by) > LARGEST_DIMENSIONS or len(set(by)) != len(by):
        raise InvalidInput(
            f"by takes at most {LARGEST_DIMENSIONS} different dimensions.", field="by"
        )
    dimensions = [dimension(key) for key in by]
    keys = _metric_keys(asked.metrics)
    with caller.transaction() as db:
        filters = _filters(db, request.http)
        grouped: Any = (
            metrics_table(db, period, by, filters, only=keys).to_dict("records") if by else []
        )
        total: Any = metrics_table(db, period, (), filters, only=keys).to_dict("records")[0]
    named = [
        name
        for each in dimensions
        for name in ((each.key, f"{each.key}_id") if each.names else (each.key,))
    ]
    rows = [{name: _plain(row[name]) for name in named} | as_json(row, keys) for row in grouped]
    return JSONResponse(
        {
            "period": {"start": period.start.isoformat(), "end": period.end.isoformat()},
            "timezone": caller.timezone,
            "currency": caller.currency,
            "rows": rows,
            "totals": as_json(total, keys),
        }
    )


def _plain(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, date) else None if value is None else str(value)


def _metric_keys(asked: Sequence[str]) -> list[str]:
    keys = list(asked or METRICS)
    if unknown := [key for key in keys if key not in METRICS]:
        raise InvalidInput(
            f"“{unknown[0]}” is not a metric; use {', '.join(METRICS)}.", field="metrics"
        )
    return keys


def _filters(db: Session, request: Request) -> Filters:
    """``filter.closer=`` and its kind: ids, or the name of one entry."""
    chosen: dict[str, tuple[UUID, ...]] = {}
    for name, value in request.query_params.multi_items():
        if not name.startswith("filter."):
            continue
        key = name.removeprefix("filter.")
        if key not in FILTERS:
            raise InvalidInput(f"There is no filter “{key}”; use {', '.join(FILTERS)}.", field=name)
        chosen[f"{key}_id"] = chosen.get(f"{key}_id", ()) + (
            _by_name(db, FILTERS[key], value) or ids_of(value, name)
        )
    return Filters(**chosen)


def _by_name(db: Session, table: str, name: str) -> tuple[UUID, ...]:
    query = text(f"select id from app.{table} where lower(name) = lower(:name)")  # noqa: S608 - a name of our own
    return tuple(db.execute(query, {"name": name.replace("\0", "")}).scalars())


def export(request: ApiRequest[ExportQuery, None]) -> Response:
    """A table, streamed; days are the organisation's, ``end_date`` exclusive."""
    caller, asked = request.caller, request.query
    chunks = exports.export(
        caller.transaction,
        asked.table,
        asked.format,
        period=asked.period(caller.timezone),
        columns=asked.columns or None,
    )
    ending = "jsonl" if asked.format == "json" else asked.format
    headers = {"Content-Disposition": f'attachment; filename="{asked.table}.{ending}"'}
    return StreamingResponse(chunks, media_type=exports.FORMATS[asked.format], headers=headers)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/metrics",
        metrics,
        query=MetricsQuery,
        response=MetricsAnswer,
        roles=EVERYBODY,
        scope=("metrics", "read"),
        module=BOOKINGS,
    ),
    Endpoint(
        "GET",
        "/api/export",
        export,
        query=ExportQuery,
        content=tuple(exports.FORMATS.values()),
        roles=EVERYBODY,
        scope=("export", "read"),
    ),
)
