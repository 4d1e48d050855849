"""``GET /api/metrics`` and ``GET /api/export``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import chain

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from core.metrics import exports
from core.metrics.catalog import METRICS
from core.metrics.custom import dimension_to_group, dimensions_to_narrow, filters_of
from core.metrics.filters import Filters, Wanted, values_named
from core.metrics.schemas import ExportQuery, FiguresQuery, MetricsAnswer, MetricsQuery
from core.metrics.table import metrics_table, modules_of
from core.platform.errors import InvalidInput
from core.tenancy.access.api_access import Caller
from core.tenancy.access.authorization import Access
from core.tenancy.access.roles import EVERYBODY
from core.tenancy.organizations.modules import require_module
from webhooks.endpoint import ApiRequest, Endpoint

LARGEST_DIMENSIONS = 3


def metrics(request: ApiRequest[FiguresQuery, None]) -> Response:
    """Figures of a period, grouped by any dimensions, as far as the caller may see them."""
    caller, asked = request.caller, request.query
    period, by = asked.period(caller.timezone), asked.by
    if len(by) > LARGEST_DIMENSIONS or len(set(by)) != len(by):
        raise InvalidInput(
            f"by takes at most {LARGEST_DIMENSIONS} different dimensions.", field="by"
        )
    keys = _metric_keys(caller, asked.metrics)
    with caller.transaction() as db:
        grouped = [dimension_to_group(db, key) for key in by]
        figures = metrics_table(db, period, grouped, _filters(db, request.http), only=keys)
    return JSONResponse(
        {
            "period": {"start": period.start.isoformat(), "end": period.end.isoformat()},
            "timezone": caller.timezone,
            "currency": caller.currency,
            "rows": [
                {name: _key(key) for name, key in figures.named(row).items()} | row.values.as_json()
                for row in (figures.rows if by else ())
            ],
            "totals": figures.totals.as_json(),
        }
    )


def _key(key: object) -> str | int | None:
    """A dimension's value in JSON: dates and ids are text."""
    if isinstance(key, date):
        return key.isoformat()
    return key if key is None or isinstance(key, int) else str(key)


def _metric_keys(caller: Caller, asked: Sequence[str]) -> list[str]:
    """The figures that are asked for, or all that the organisation has. Raises SwitchedOff for one
    that is asked for and belongs to a module which it does not have.
    """
    if unknown := [key for key in asked if key not in METRICS]:
        raise InvalidInput(
            f"“{unknown[0]}” is not a metric; use {', '.join(METRICS)}.", field="metrics"
        )
    for module in chain.from_iterable(map(modules_of, asked)):
        require_module(module, caller.modules, caller.organization_name)
    return list(asked) or [key for key in METRICS if modules_of(key) <= caller.modules]


def _filters(db: Session, request: Request) -> Filters:
    """The filters given as ``filter.closer=`` and so on: ids, the name of one entry, or a word."""
    chosen: dict[str, list[Wanted]] = {}
    for name, value in request.query_params.multi_items():
        if not name.startswith("filter."):
            continue
        key = name.removeprefix("filter.")
        offered = dimensions_to_narrow(db)
        if key not in offered:
            raise InvalidInput(f"There is no filter “{key}”; use {', '.join(offered)}.", field=name)
        chosen.setdefault(key, []).extend(values_named(db, offered[key], value, name))
    return filters_of(db, chosen)


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
        access=Access(EVERYBODY, scope="metrics:read"),
    ),
    Endpoint(
        "GET",
        "/api/export",
        export,
        query=ExportQuery,
        content=tuple(exports.FORMATS.values()),
        access=Access(EVERYBODY, scope="export:read"),
    ),
)
