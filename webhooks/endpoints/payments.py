"""``GET /api/payments``."""

from __future__ import annotations

from dataclasses import replace

from core.metrics.drill import matching
from core.metrics.facts import PAYMENTS
from core.metrics.filters import Filters
from core.money.queries import payments_page
from core.money.schemas import PaymentPage, PaymentsFilter, PaymentsQuery
from core.tenancy.access.authorization import Access
from core.tenancy.access.roles import EVERYBODY
from core.tenancy.organizations.modules import BOOKINGS
from webhooks.endpoint import ApiRequest, Endpoint


def payments(request: ApiRequest[PaymentsFilter, None]) -> PaymentPage:
    """Payments, latest first."""
    caller, query = request.caller, request.query
    chosen = query.filter(caller.timezone)
    with caller.transaction() as db:
        narrowed = matching(db, PAYMENTS, "", Filters(query.results()))
        rows = payments_page(
            db, replace(chosen, condition=narrowed), limit=query.limit + 1, after=query.cursor
        )
        return PaymentPage.of(rows, query, at="payment_date")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/payments",
        payments,
        query=PaymentsQuery,
        response=PaymentPage,
        access=Access(EVERYBODY, BOOKINGS, scope="payments:read"),
    ),
)
