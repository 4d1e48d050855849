"""``POST /api/payout-snapshots`` and ``GET /api/payout-snapshots/{id}``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.money.payouts import create_snapshot, snapshot_as_dict
from core.tenancy.access.api_access import Caller
from webhooks.api_input import json_object, path_id, period_of, text_of


def create(caller: Caller, _: Request, body: bytes) -> Response:
    """Freeze a period as a draft."""
    given = json_object(body)
    period = period_of(
        given.get("period_start"),
        given.get("period_end"),
        caller.timezone,
        names=("period_start", "period_end"),
    )
    with caller.transaction() as db:
        snapshot = create_snapshot(
            db, caller.organization_id, text_of(given, "name"), period, caller.viewer
        )
        return JSONResponse(snapshot_as_dict(db, snapshot.id), 201)


def show(caller: Caller, request: Request, _: bytes) -> Response:
    """Header, summaries and details."""
    with caller.transaction() as db:
        return JSONResponse(snapshot_as_dict(db, path_id(request)))
