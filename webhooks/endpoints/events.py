"""``GET /api/events``, and filing the post-call form of one."""

from __future__ import annotations

from dataclasses import replace

from core.bookings.custom_answers import check_known
from core.bookings.queries import events_page
from core.bookings.schemas import (
    EventPage,
    EventsFilter,
    EventsQuery,
    FormBody,
    FormFiled,
    PostCallFormBody,
)
from core.metrics.drill import matching
from core.metrics.facts import EVENTS
from core.metrics.filters import Filters
from core.money.form_filing import file_form
from core.tenancy.access.authorization import Access
from core.tenancy.access.roles import EVERYBODY, REPS
from core.tenancy.organizations.modules import BOOKINGS
from webhooks.endpoint import ApiRequest, Endpoint


def events(request: ApiRequest[EventsFilter, None]) -> EventPage:
    """Events, latest first."""
    caller, query = request.caller, request.query
    chosen = query.filter(caller.timezone)
    with caller.transaction() as db:
        narrowed = matching(db, EVENTS, "", Filters(query.results()))
        rows = events_page(
            db, replace(chosen, condition=narrowed), limit=query.limit + 1, after=query.cursor
        )
        return EventPage.of(rows, query, at="scheduled_at")


def file_pcf(request: ApiRequest[None, FormBody]) -> tuple[FormFiled, int]:
    """File (201) or correct (200) the post-call form of an event, as the person behind the token.

    Raises what ``file_form`` raises.
    """
    by = request.caller.as_viewer()
    answers = request.body.answers(request.caller.currency)
    with by.transaction() as db:
        custom = request.body.own_answers()
        check_known(db, custom or {})
        form = file_form(db, request.id, answers, by, custom=custom)
        filed = FormFiled.model_validate(form)
    return filed, 201 if filed.version == 1 else 200


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/events",
        events,
        query=EventsQuery,
        response=EventPage,
        access=Access(EVERYBODY, BOOKINGS, scope="events:read"),
    ),
    Endpoint(
        "POST",
        "/api/events/{id}/pcf",
        file_pcf,
        request=PostCallFormBody,
        response=FormFiled,
        statuses=(201, 200),
        errors=(404, 409),
        access=Access(REPS, BOOKINGS, scope="pcf:write"),
    ),
)
