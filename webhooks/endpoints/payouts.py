"""``/api/payout-snapshots``: make a draft, look at a payout, approve it."""

from __future__ import annotations

from itertools import chain
from uuid import UUID

from starlette.responses import StreamingResponse

from core.money.payouts import approve, create_snapshot
from core.money.schemas import NewPayout, NotApproved, Payout, not_approved, payout_json
from core.platform.errors import Conflict, NotAllowed
from core.tenancy.access.api_access import Caller
from core.tenancy.access.authorization import Access
from core.tenancy.access.roles import ADMINS, MANAGERS
from core.tenancy.organizations.modules import BOOKINGS
from webhooks.answers import JSON
from webhooks.endpoint import ApiRequest, Endpoint


def _answer(caller: Caller, payout_id: UUID, status: int = 200) -> StreamingResponse:
    """The payout, streamed. Raises NotFound before an answer begins."""
    pieces = payout_json(caller.transaction, payout_id)
    return StreamingResponse(chain([next(pieces)], pieces), status, media_type=JSON)


def create(request: ApiRequest[None, NewPayout]) -> StreamingResponse:
    """Make a draft payout of a period."""
    caller, new = request.caller, request.body
    if new.organization_id not in (None, caller.organization_id):
        raise NotAllowed("This token is of another organisation.")
    period = new.period(caller.timezone)
    with caller.transaction() as db:
        made = create_snapshot(db, new.name, period, caller.viewer).id
    return _answer(caller, made, 201)


def show(request: ApiRequest[None, None]) -> StreamingResponse:
    """Header, summaries and details of a payout."""
    return _answer(request.caller, request.id)


def approve_draft(
    request: ApiRequest[None, None],
) -> StreamingResponse | tuple[NotApproved, int]:
    """Approve a draft that equals the present; otherwise the answer has the differences."""
    try:
        with request.caller.transaction() as db:
            approve(db, request.id, request.caller.viewer)
    except Conflict as error:
        return not_approved(error), 409
    return _answer(request.caller, request.id)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/payout-snapshots",
        create,
        request=NewPayout,
        response=Payout,
        statuses=(201,),
        access=Access(ADMINS, BOOKINGS, scope="payouts:write"),
    ),
    Endpoint(
        "GET",
        "/api/payout-snapshots/{id}",
        show,
        response=Payout,
        errors=(404,),
        access=Access(MANAGERS, BOOKINGS, scope="payouts:read"),
    ),
    Endpoint(
        "POST",
        "/api/payout-snapshots/{id}/approve",
        approve_draft,
        response=Payout,
        errors=(404, 409),
        refusals={409: NotApproved},
        access=Access(ADMINS, BOOKINGS, scope="payouts:write"),
    ),
)
