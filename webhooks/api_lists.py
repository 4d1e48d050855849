"""``GET /api/events``, ``/api/payments``, ``/api/leads``, and filing a post-call form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.bookings.forms import FormAnswers
from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import CallStatus, EventOutcome
from core.bookings.queries import EventFilter, events_page
from core.money.form_filing import file_form
from core.money.queries import PaymentFilter, payments_page
from core.people.queries import leads_page
from core.platform.clock import iso
from core.platform.errors import InvalidInput
from core.platform.money import check_currency, decimal_text, parse_amount
from core.platform.paging import check_limit, decode_cursor, encode_cursor
from core.tenancy.access.api_access import Caller
from webhooks.api_input import ZERO_BYTE, ids_of, json_object, optional_period, path_id, words_of


def _page(
    rows: Sequence[Row[Any]], limit: int, shape: Callable[[Row[Any]], dict[str, Any]], at: str
) -> Response:
    """One more row was read than is shown: it says whether there is a next page."""
    shown = rows[:limit]
    more = encode_cursor(getattr(shown[-1], at), shown[-1].id) if len(rows) > limit else None
    return JSONResponse({"items": [shape(row) for row in shown], "next_cursor": more})


def _ids(request: Request) -> dict[str, tuple[UUID, ...]]:
    return {
        name: ids_of(request.query_params[name], name)
        for name in LISTED_COLUMNS
        if name in request.query_params
    }


def events(caller: Caller, request: Request, _: bytes) -> Response:
    """Booked calls, latest first."""
    limit, after = (
        check_limit(request.query_params.get("limit")),
        decode_cursor(request.query_params.get("cursor")),
    )
    chosen = EventFilter(
        period=optional_period(request, caller.timezone),
        ids=_ids(request),
        statuses=words_of(request, "call_status", list(CallStatus)),
        outcomes=words_of(request, "event_outcome", list(EventOutcome)),
        search=request.query_params.get("search", "").replace(ZERO_BYTE, ""),
    )
    with caller.transaction() as db:
        return _page(
            events_page(db, chosen, limit=limit + 1, after=after), limit, _event, "scheduled_at"
        )


def _event(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "lead_name": row.lead_name,
        "lead_email": row.lead_email,
        "scheduled_at": iso(row.scheduled_at),
        "booked_at": iso(row.booked_at),
        "call_status": row.call_status,
        "event_outcome": row.event_outcome,
        "closer": row.closer,
        "setter": row.setter,
        "source": row.source,
        "traffic_type": row.traffic_type,
        "call_type": row.call_type,
        "pcf_submitted": row.pcf_submitted,
    }


def payments(caller: Caller, request: Request, _: bytes) -> Response:
    """Payments, latest first."""
    limit, after = (
        check_limit(request.query_params.get("limit")),
        decode_cursor(request.query_params.get("cursor")),
    )
    chosen = PaymentFilter(
        period=optional_period(request, caller.timezone),
        ids=_ids(request),
        unattributed=request.query_params.get("unattributed") == "true",
    )
    with caller.transaction() as db:
        return _page(
            payments_page(db, chosen, limit=limit + 1, after=after), limit, _payment, "payment_date"
        )


def _payment(row: Row[Any]) -> dict[str, Any]:
    money = {
        name: decimal_text(getattr(row, name), row.currency)
        for name in ("amount", "refund_amount", "net_revenue")
    }
    return {
        "id": str(row.id),
        **money,
        "currency": row.currency,
        "payment_date": iso(row.payment_date),
        "customer_email": row.customer_email,
        "status": row.status,
        "disputed": row.disputed,
        "processor": row.processor,
        "processor_payment_id": row.processor_payment_id,
        "event_id": str(row.event_id) if row.event_id else None,
        "closer": row.closer,
        "setter": row.setter,
        "source": row.source,
        "counts": row.counts,
        "superseded_by": str(row.superseded_by_id) if row.superseded_by_id else None,
        "attribution": {"method": row.attribution_method, "reason": row.attribution_reason},
    }


def leads(caller: Caller, request: Request, _: bytes) -> Response:
    """Inquiries, latest first."""
    limit, after = (
        check_limit(request.query_params.get("limit")),
        decode_cursor(request.query_params.get("cursor")),
    )
    with caller.transaction() as db:
        return _page(leads_page(db, limit=limit + 1, after=after), limit, _lead, "created_at")


def _lead(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "contact_id": str(row.contact_id),
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "status": row.status,
        "source": row.source,
        "original_setter_name": row.original_setter_name,
        "current_setter_name": row.current_setter_name,
        "created_at": iso(row.created_at),
    }


def file_pcf(caller: Caller, request: Request, body: bytes) -> Response:
    """File or correct the post-call form of an event, as the person behind the token."""
    by = caller.as_viewer()
    answers = _answers(json_object(body), caller.currency)
    with by.transaction() as db:
        form = file_form(db, path_id(request), answers, by)
        filed = {"id": str(form.id), "event_id": str(form.event_id), "version": form.version}
    return JSONResponse(filed, 201 if filed["version"] == 1 else 200)


def _answers(given: dict[str, Any], currency: str) -> FormAnswers:
    known = {item.name for item in fields(FormAnswers)}
    if unknown := sorted(set(given) - known):
        raise InvalidInput(f"A post-call form has no “{unknown[0]}”.", field=unknown[0])
    if given.get("call_occurred") is None:
        raise InvalidInput("Say whether the call took place.", field="call_occurred")
    made = {name: _answer(name, value) for name, value in given.items() if value is not None}
    if "currency" in made or "cash_collected" in made:
        made["currency"] = check_currency(made.get("currency", currency))
    if "cash_collected" in made:
        made["cash_collected"] = parse_amount(
            made["cash_collected"], made["currency"], field="cash_collected"
        )
    return FormAnswers(**made)


def _answer(name: str, value: Any) -> Any:
    kind = KINDS.get(name, str)
    try:
        if kind is UUID or kind is date:
            return UUID(value) if kind is UUID else date.fromisoformat(value)
        if kind is Decimal and isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
        if (
            kind is list
            and isinstance(value, list)
            and all(isinstance(item, str) and ZERO_BYTE not in item for item in value)
        ):
            return value
        if kind in (bool, str) and isinstance(value, kind) and ZERO_BYTE not in str(value):
            return value
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{name} cannot be read.", field=name) from error
    raise InvalidInput(f"{name} cannot be read.", field=name)


KINDS: dict[str, type] = {
    **dict.fromkeys(("call_occurred", "lead_showed", "offer_made", "deal_closed"), bool),
    **dict.fromkeys(("package_id", "call_outcome_id", "opportunity_status_id", "reason_id"), UUID),
    "cash_collected": Decimal,
    "objections": list,
    "follow_up_on": date,
}
