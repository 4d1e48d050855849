"""What the API takes and answers, as JSON Schema; what the product lists itself is read from its
own lists.
"""

from __future__ import annotations

from typing import Any

from core.bookings.models import CallStatus, EventOutcome, PaymentType
from core.metrics.catalog import METRICS, Metric
from core.metrics.dimensions import DIMENSIONS, Dimension
from core.money.models import AttributionMethod, PaymentStatus, SnapshotState
from core.money.payouts import DIMENSIONS as PAYOUT_DIMENSIONS
from core.tenancy.access.models import Role

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
DAY: Json = {"type": "string", "format": "date"}
ID: Json = {"type": "string", "format": "uuid"}
FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
INSTANT: Json = {"type": "string", "format": "date-time", "description": "ISO 8601 in UTC"}
AMOUNT: Json = {
    "type": "string",
    "pattern": r"^-?\d+(\.\d+)?$",
    "description": "With the currency's own decimals",
}
CURRENCY: Json = {"type": "string", "pattern": "^[A-Z]{3}$"}
MONEY: Json = {
    "type": "object",
    "additionalProperties": AMOUNT,
    "description": "An amount for each currency",
}


def one_of(words: Any) -> Json:
    """One of the product's own words."""
    return {"type": "string", "enum": list(words)}


def maybe(schema: Json) -> Json:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def made_of(properties: Json, required: list[str] | None = None) -> Json:
    """An object; without ``required`` it always has every property."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def page_of(item: Json) -> Json:
    """One page of a list."""
    return made_of({"items": listed(item), "next_cursor": maybe(TEXT)})


ERROR = made_of(
    {"error": made_of({"code": TEXT, "message": TEXT, "field": TEXT}, ["code", "message"])}
)
CODE = maybe(TEXT) | {
    "description": (
        "The authenticator's code or a recovery code; asked for by 401 second_factor_required"
    ),
}
LOGIN = made_of(
    {"email": TEXT, "password": TEXT, "organization": maybe(TEXT), "code": CODE},
    ["email", "password"],
)
TOKEN = made_of(
    {
        "access_token": TEXT,
        "token_type": one_of(["bearer"]),
        "expires_in": COUNT,
        "user": made_of(
            {
                "id": ID,
                "email": TEXT,
                "name": TEXT,
                "role": one_of(Role),
                "organization_id": ID,
                "organization": TEXT,
            }
        ),
    }
)
EVENT = made_of(
    {
        "id": ID,
        "lead_name": maybe(TEXT),
        "lead_email": maybe(TEXT),
        "scheduled_at": INSTANT,
        "booked_at": INSTANT,
        "call_status": one_of(CallStatus),
        "event_outcome": maybe(one_of(EventOutcome)),
        "closer": maybe(TEXT),
        "setter": maybe(TEXT),
        "source": maybe(TEXT),
        "traffic_type": maybe(TEXT),
        "call_type": maybe(TEXT),
        "pcf_submitted": FLAG,
    }
)
PAYMENT = made_of(
    {
        "id": ID,
        "amount": AMOUNT,
        "refund_amount": AMOUNT,
        "net_revenue": AMOUNT,
        "currency": CURRENCY,
        "payment_date": INSTANT,
        "customer_email": maybe(TEXT),
        "status": one_of(PaymentStatus),
        "disputed": FLAG,
        "processor": TEXT,
        "processor_payment_id": maybe(TEXT),
        "event_id": maybe(ID),
        "closer": maybe(TEXT),
        "setter": maybe(TEXT),
        "source": maybe(TEXT),
        "counts": FLAG,
        "superseded_by": maybe(ID),
        "attribution": made_of({"method": one_of(AttributionMethod), "reason": maybe(TEXT)}),
    }
)
LEAD = made_of(
    {
        "id": ID,
        "contact_id": ID,
        "name": maybe(TEXT),
        "email": maybe(TEXT),
        "phone": maybe(TEXT),
        "status": TEXT,
        "source": maybe(TEXT),
        "original_setter_name": maybe(TEXT),
        "current_setter_name": maybe(TEXT),
        "created_at": INSTANT,
    }
)
FORM = made_of(
    {
        "call_occurred": FLAG,
        **dict.fromkeys(("lead_showed", "offer_made", "deal_closed"), maybe(FLAG)),
        "cash_collected": {"type": ["string", "number", "null"]},
        "currency": maybe(TEXT),
        "payment_type": maybe(one_of(PaymentType)),
        "no_show_party": maybe(one_of(["guest", "host"])),
        **dict.fromkeys(
            ("package_id", "call_outcome_id", "opportunity_status_id", "reason_id"), maybe(ID)
        ),
        "objections": maybe(listed(TEXT)),
        "follow_up_on": maybe(DAY),
        **dict.fromkeys(("notes", "recording_url", "traffic_type"), maybe(TEXT)),
    },
    ["call_occurred"],
)
FILED = made_of({"id": ID, "event_id": ID, "version": {"type": "integer", "minimum": 1}})
NEW_PAYOUT = made_of({"name": TEXT, "period_start": DAY, "period_end": DAY})
SUMS = {"cash_collected": AMOUNT, "refunds": AMOUNT, "net_revenue": AMOUNT}
PAYOUT = made_of(
    {
        "id": ID,
        "header": made_of(
            {
                "id": ID,
                "name": TEXT,
                "state": one_of(SnapshotState),
                "timezone": TEXT,
                "period_start": DAY,
                "period_end": DAY,
                "payment_count": COUNT,
                "created_at": INSTANT,
                "totals": made_of(dict.fromkeys(SUMS, MONEY)),
            }
        ),
        "summaries": listed(
            made_of(
                {
                    "dimension": one_of(PAYOUT_DIMENSIONS),
                    "member_id": maybe(ID),
                    "label": maybe(TEXT),
                    "currency": CURRENCY,
                    "payment_count": COUNT,
                    **SUMS,
                }
            )
        ),
        "details": listed(
            made_of(
                {
                    "payment_id": ID,
                    "payment_date": INSTANT,
                    **dict.fromkeys(("customer_email", "customer_name"), maybe(TEXT)),
                    "processor": TEXT,
                    "processor_payment_id": maybe(TEXT),
                    "currency": CURRENCY,
                    "amount": AMOUNT,
                    "refund_amount": AMOUNT,
                    "net_revenue": AMOUNT,
                    "event_id": maybe(ID),
                    **{
                        f"{who}_{part}": maybe(ID if part == "id" else TEXT)
                        for who in PAYOUT_DIMENSIONS
                        for part in ("id", "name")
                    },
                    "attribution_method": one_of(AttributionMethod),
                    "attribution_reason": maybe(TEXT),
                }
            )
        ),
    }
)


def metrics_answer() -> Json:
    """Figures: of all metrics those that were asked for, in each row beside the dimensions that
    were asked for.
    """
    figures = {metric.key: _figure(metric) for metric in METRICS.values()}
    keys = {
        name: schema for each in DIMENSIONS.values() for name, schema in _dimension(each).items()
    }
    return made_of(
        {
            "period": made_of({"start": DAY, "end": DAY}),
            "timezone": TEXT,
            "currency": CURRENCY,
            "rows": listed(made_of(keys | figures, [])),
            "totals": made_of(figures, []),
        }
    )


def _figure(metric: Metric) -> Json:
    units: dict[str, Json] = {
        "count": COUNT,
        "money": MONEY,
        "rate": maybe({"type": "number", "minimum": 0, "maximum": 1}),
        "hours": maybe({"type": "number"}),
    }
    return units[metric.unit] | {"title": metric.name, "description": metric.formula}


def _dimension(each: Dimension) -> Json:
    if each.names:
        return {each.key: maybe(TEXT), f"{each.key}_id": maybe(ID)}
    return {each.key: maybe(DAY if each.kind == "date" else TEXT)}
