"""Which tables leave the product, and which of their columns."""

from __future__ import annotations

from collections.abc import Mapping

from core.bookings.models import (
    CallType,
    Closer,
    Event,
    ListEntry,
    Package,
    PostCallForm,
    Setter,
)
from core.metrics.export_columns import ExportTable
from core.money.models import Payment, PayoutSnapshotDetail, Refund
from core.people.models import RECEIVED, Contact, Lead, Source, TrafficType
from core.platform.errors import InvalidInput
from core.platform.models import AuditLog
from core.platform.schema import Base
from core.tenancy.organizations.modules import BOOKINGS


def _exported(
    model: type[Base],
    columns: str,
    *,
    date: str | None = None,
    instant: str | None = None,
    module: str | None = None,
    amounts: Mapping[str, str] | None = None,
    holds: str,
    first: str = "name",
) -> ExportTable:
    table = model.metadata.tables[f"app.{model.__tablename__}"]
    if date and not instant:
        instant = f"{table.name}.{date}"
    return ExportTable(
        table,
        ["id", *columns.split()],
        date,
        instant,
        module,
        amounts or {},
        holds,
        first.split(),
    )


# As much of a refund as figures have: nothing of one whose payment is in none.
COUNTED = """coalesce((select counting.amount from app.counting_refunds(array[refunds.payment_id])
    counting join app.payments paid on paid.organization_id = refunds.organization_id
      and paid.id = counting.payment_id and paid.counts
    where counting.id = refunds.id), 0)"""

_ALL = (
    _exported(
        Event,
        "call_status event_outcome closer_name setter_name no_show_party cancel_reason "
        "booking_platform utm_source utm_medium utm_campaign utm_content utm_term "
        "calendly_invitee_uuid lead_name lead_email lead_phone scheduled_at ends_at booked_at "
        "pcf_submitted closer_id setter_id source_id traffic_type_id call_type_id "
        "rescheduled_to_id canceled_at canceled_late",
        date="scheduled_at",
        module=BOOKINGS,
        holds="One row for each booking: who meets whom and when, how it went, where it is from.",
        first="scheduled_at lead_name closer_name setter_name call_status event_outcome",
    ),
    _exported(
        Payment,
        "currency status payment_type deal_type processor processor_payment_id membership_key "
        "attribution_method customer_email customer_name attribution_reason amount "
        "refund_amount net_revenue payment_date disputed counts event_id closer_id setter_id "
        "source_id package_id superseded_by_id",
        date="payment_date",
        module=BOOKINGS,
        holds="One row for each payment: who paid what, what was refunded, who it is credited to.",
        first="payment_date customer_name amount currency closer_name setter_name status",
    ),
    _exported(
        Refund,
        "kind currency status reason processor_refund_id payment_id amount refunded_at",
        date="refunded_at",
        module=BOOKINGS,
        amounts={"counted_amount": COUNTED},
        holds="One row for each refund and each lost dispute, with what figures count of it.",
        first="refunded_at kind amount currency status",
    ),
    _exported(
        PostCallForm,
        "currency payment_type traffic_type no_show_party notes recording_url event_id "
        "call_occurred lead_showed offer_made deal_closed cash_collected package_id "
        "follow_up_on followed_up_at version submitted_at",
        date="submitted_at",
        module=BOOKINGS,
        holds="One row for each post-call form: what the closer reported of a meeting.",
        first="submitted_at lead_showed offer_made deal_closed cash_collected currency",
    ),
    _exported(
        Lead,
        "status priority is_converted original_setter_name current_setter_name contact_id "
        "source_id traffic_type_id owner_user_id company city external_id score "
        "qualification_summary spam_since received_at created_at",
        date="received_at",
        instant=RECEIVED,
        holds="One row for each lead: how it stands, who set it and who owns it.",
        first="received_at status priority current_setter_name",
    ),
    _exported(
        Contact,
        "name email phone phone_e164 company address city country source_id tags custom_fields "
        "external_ids owner_user_id unsubscribed_at merged_into_id created_at",
        date="created_at",
        holds="One row for each person who asked, booked or paid.",
        first="created_at name email phone",
    ),
    _exported(
        PayoutSnapshotDetail,
        "customer_name processor processor_payment_id currency closer_name setter_name "
        "source_name package_name attribution_method customer_email snapshot_id payment_id "
        "payment_date amount refund_amount net_revenue kind reason_code reason line_date "
        "held_back",
        date="line_date",
        module=BOOKINGS,
        holds="One row for each payment and adjustment in a payout, as it was counted.",
        first="line_date customer_name closer_name setter_name amount currency kind",
    ),
    _exported(
        Closer,
        "name email calendly_user_uri active created_at",
        holds="One row for each closer.",
        first="name email active",
    ),
    _exported(
        Setter,
        "name email active created_at",
        holds="One row for each setter.",
        first="name email active",
    ),
    _exported(
        Source,
        "name active",
        holds="One row for each source.",
        first="name",
    ),
    _exported(
        TrafficType,
        "name active",
        holds="One row for each traffic type.",
        first="name",
    ),
    _exported(
        CallType,
        "name active",
        holds="One row for each call type.",
        first="name",
    ),
    _exported(
        Package,
        "name currency price active",
        holds="One row for each package, with its price.",
        first="name price currency",
    ),
    _exported(
        ListEntry,
        "kind name position active",
        holds="One row for each entry that forms offer.",
        first="kind name",
    ),
    _exported(
        AuditLog,
        "actor_role table_name row_id operation at actor_user_id changes",
        date="at",
        holds="One row for each change of a record, each export, and all else that is recorded.",
        first="at actor_role table_name operation changes",
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
