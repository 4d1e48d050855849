"""``POST /api/payout-snapshots`` and ``GET /api/payout-snapshots/{id}``."""

from __future__ import annotations

from core.money.payouts import create_snapshot
from core.money.schemas import NewPayout, Payout, payout_answer
from core.tenancy.access.authorization import Access
from core.tenancy.access.roles import ADMINS, MANAGERS
from core.tenancy.organizations.modules import BOOKINGS
from webhooks.endpoint import ApiRequest, Endpoint


def create(request: ApiRequest[None, NewPayout]) -> Payout:
    """Freeze a period as a draft payout."""
    caller, new = request.caller, request.body
    period = new.period(caller.timezone)
    with caller.transaction() as db:
        snapshot = create_snapshot(db, new.name, period, caller.viewer)
        return payout_answer(db, snapshot.id)


def show(request: ApiRequest[None, None]) -> Payout:
    """Header, summaries and details of a payout."""
    with request.caller.transaction() as db:
        return payout_answer(db, request.id)


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
)
