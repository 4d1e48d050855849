"""``GET /api/metrics`` and ``GET /api/export``."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from core.bookings.listed import LISTED, ids_named
from core.metrics import exports
from core.metrics.catalog import METRICS
from core.metrics.dimensions import dimension
from core.metrics.filters import Filters
from core.metrics.table import metrics_table
from core.platform.errors import InvalidInput
from core.tenancy.access.api_access import Caller
from webhooks.api_input import ids_of, period_of

LARGEST_DIMENSIONS = 3


def metrics(caller: Caller, request: Request, _: bytes) -> Response:
    """Figures of a period, grouped by any dimensions, as the caller may see them."""
    asked = request.query_params
    period = period_of(asked.get("start"), asked.get("end"), caller.timezone)
    by = [part.strip() for part in asked.get("by", "").split(",") if part.strip()]
    if len(by) > LARGEST_DIMENSIONS or len(set(by)) != len(by):
        raise InvalidInput(
            f"by takes at most {LARGEST_DIMENSIONS} different dimensions.", field="by"
        )
    for key in by:
        dimension(key)
    keys = _metric_keys(asked.get("metrics"))
    with caller.transaction() as db:
        figures = metrics_table(db, period, by, _filters(db, request), only=keys)
    return JSONResponse(
        {
            "period": {"start": period.start.isoformat(), "end": period.end.isoformat()},
            "timezone": caller.timezone,
            "currency": caller.currency,
            "rows": [
                {name: _plain(key) for name, key in figures.named(row).items()}
                | row.values.as_json()
                for row in (figures.rows if by else ())
            ],
            "totals": figures.totals.as_json(),
        }
    )


def _plain(key: object) -> str | None:
    return key.isoformat() if isinstance(key, date) else None if key is None else str(key)


def _metric_keys(asked: str | None) -> list[str]:
    keys = [key.strip() for key in (asked or "").split(",") if key.strip()] or list(METRICS)
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
        if key not in LISTED:
            raise InvalidInput(f"There is no filter “{key}”; use {', '.join(LISTED)}.", field=name)
        chosen[key] = chosen.get(key, ()) + (ids_named(db, key, value) or ids_of(value, name))
    return Filters(chosen)


def export(caller: Caller, request: Request, _: bytes) -> Response:
    """A table, streamed; days are the organisation's, ``end_date`` exclusive."""
    asked = request.query_params
    fmt, name = asked.get("format", "csv"), asked.get("table", "")
    start, end = asked.get("start_date"), asked.get("end_date")
    period = (
        period_of(start, end, caller.timezone, names=("start_date", "end_date"))
        if start or end
        else None
    )
    columns = [part.strip() for part in asked.get("columns", "").split(",") if part.strip()] or None
    chunks = exports.export(caller.transaction, name, fmt, period=period, columns=columns)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{"jsonl" if fmt == "json" else fmt}"'
    }
    return StreamingResponse(chunks, media_type=exports.FORMATS[fmt], headers=headers)
