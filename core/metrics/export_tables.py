"""Which tables leave the product, and which of their columns: text, contact details, and
the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.platform.errors import InvalidInput
from core.tenancy.organizations.modules import BOOKINGS


@dataclass(frozen=True)
class ExportTable:
    """One table as it leaves: text columns, those with contact details, the other columns, and the
    date it is cut by.

    Organisations without the ``module`` export no such table; None is for every organisation.
    """

    name: str
    texts: Sequence[str]
    private: Sequence[str]
    others: Sequence[str]
    date: str | None = None
    documents: Sequence[str] = ()  # JSON, which leaves as text
    admins_only: bool = False
    module: str | None = None

    @property
    def columns(self) -> list[str]:
        return ["id", *self.texts, *self.private, *self.others, *self.documents]


_ALL = (
    ExportTable(
        "events",
        (
            "call_status",
            "event_outcome",
            "closer_name",
            "setter_name",
            "no_show_party",
            "cancel_reason",
            "booking_platform",
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_content",
            "utm_term",
            "calendly_invitee_uuid",
        ),
        ("lead_name", "lead_email", "lead_phone"),
        (
            "scheduled_at",
            "ends_at",
            "booked_at",
            "pcf_submitted",
            "closer_id",
            "setter_id",
            "source_id",
            "traffic_type_id",
            "call_type_id",
            "rescheduled_to_id",
            "canceled_at",
            "canceled_late",
        ),
        "scheduled_at",
        module=BOOKINGS,
    ),
    ExportTable(
        "payments",
        (
            "currency",
            "status",
            "payment_type",
            "deal_type",
            "processor",
            "processor_payment_id",
            "membership_key",
            "attribution_method",
        ),
        ("customer_email", "customer_name", "attribution_reason"),
        (
            "amount",
            "refund_amount",
            "net_revenue",
            "payment_date",
            "disputed",
            "counts",
            "event_id",
            "closer_id",
            "setter_id",
            "source_id",
            "package_id",
            "superseded_by_id",
        ),
        "payment_date",
        module=BOOKINGS,
    ),
    ExportTable(
        "refunds",
        ("kind", "currency", "status", "reason", "processor_refund_id"),
        (),
        ("payment_id", "amount", "refunded_at"),
        "refunded_at",
        module=BOOKINGS,
    ),
    ExportTable(
        "post_call_forms",
        ("currency", "payment_type", "traffic_type", "no_show_party"),
        ("notes", "recording_url"),
        (
            "event_id",
            "call_occurred",
            "lead_showed",
            "offer_made",
            "deal_closed",
            "cash_collected",
            "package_id",
            "follow_up_on",
            "version",
            "submitted_at",
        ),
        "submitted_at",
        module=BOOKINGS,
    ),
    ExportTable(
        "leads",
        ("status", "original_setter_name", "current_setter_name"),
        (),
        ("contact_id", "source_id", "traffic_type_id", "received_at", "created_at"),
        "created_at",
    ),
    ExportTable(
        "contacts", (), ("name", "email", "phone", "phone_e164"), ("created_at",), "created_at"
    ),
    ExportTable(
        "payout_snapshot_details",
        (
            "customer_name",
            "processor",
            "processor_payment_id",
            "currency",
            "closer_name",
            "setter_name",
            "source_name",
            "package_name",
            "attribution_method",
        ),
        ("customer_email",),
        ("snapshot_id", "payment_id", "payment_date", "amount", "refund_amount", "net_revenue"),
        "payment_date",
        module=BOOKINGS,
    ),
    ExportTable("closers", ("name", "email", "calendly_user_uri"), (), ("active", "created_at")),
    ExportTable("setters", ("name", "email"), (), ("active", "created_at")),
    ExportTable("sources", ("name",), (), ("active",)),
    ExportTable("traffic_types", ("name",), (), ("active",)),
    ExportTable("call_types", ("name",), (), ("active",)),
    ExportTable("packages", ("name", "currency"), (), ("price", "active")),
    ExportTable("list_entries", ("kind", "name"), (), ("position", "active")),
    ExportTable(
        "audit_logs",
        ("actor_role", "table_name", "row_id", "operation"),
        (),
        ("at", "actor_user_id"),
        "at",
        documents=("changes",),
        admins_only=True,
    ),
)
EXPORTS: dict[str, ExportTable] = {table.name: table for table in _ALL}


def export_table(name: str) -> ExportTable:
    """Raises InvalidInput for a table that is not exported."""
    if name not in EXPORTS:
        raise InvalidInput(
            f"“{name}” is not exported; use one of {', '.join(EXPORTS)}.", field="table"
        )
    return EXPORTS[name]
