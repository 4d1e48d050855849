"""``GET /api/leads``."""

from __future__ import annotations

from core.people.queries import leads_page
from core.people.schemas import LeadPage
from core.platform.schemas import PageQuery
from core.tenancy.access.authorization import Access
from core.tenancy.access.roles import EVERYBODY
from webhooks.endpoint import ApiRequest, Endpoint


def leads(request: ApiRequest[PageQuery, None]) -> LeadPage:
    """Leads, latest first."""
    query = request.query
    with request.caller.transaction() as db:
        rows = leads_page(db, limit=query.limit + 1, after=query.cursor)
        return LeadPage.of(rows, query, at="received_at")


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/leads",
        leads,
        query=PageQuery,
        response=LeadPage,
        access=Access(EVERYBODY, scope="leads:read"),
    ),
)
