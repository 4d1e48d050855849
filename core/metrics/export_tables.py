"""Which tables leave the product, and which of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.bookings.models import (
    CallType,
    Closer,
    Event,
    ListEntry,
    Package,
    PostCallForm,
    Setter,
)
from core.money.models import Payment, PayoutSnapshotDetail, Refund
from core.people.models import RECEIVED, Contact, Lead, Source, TrafficType
from core.platform.errors import InvalidInput
from core.platform.labels import capitalized
from core.platform.models import AuditLog
from core.platform.personal import personal_of
from core.platform.schema import Base, is_amount
from core.platform.security.policies import readable
from core.tenancy.access.models import Role
from core.tenancy.organizations.modules import BOOKINGS

# Screens show present names too. The lines of a payout stay as they were approved.
PRESENT_NAMES = {
    ("events", "closer_name"): ("closers", "closer_id"),
    ("events", "setter_name"): ("setters", "setter_id"),
}

# How people call columns whose name does not say it; the name itself is what programs ask for.
HEADINGS = {
    "at": "Changed",
    "booking_platform": "Booked through",
    "booked_at": "Booked",
    "cancel_reason": "Reason for cancelling",
    "canceled_at": "Cancelled",
    "canceled_late": "Cancelled late",
    "cash_collected": "Cash collected",
    "closer_name": "Closer",
    "current_setter_name": "Present setter",
    "ends_at": "Meeting ends",
    "event_outcome": "Outcome",
    "event_id": "Booking ID",
    "counts": "Counts in figures",
    "customer_name": "Customer",
    "customer_email": "Customer's e-mail",
    "deleted_at": "Deleted",
    "held_back": "Held back",
    "lead_email": "Lead's e-mail",
    "lead_name": "Lead",
    "lead_phone": "Lead's phone",
    "membership_key": "Membership",
    "net_revenue": "Net revenue",
    "no_show_party": "Who did not show up",
    "original_setter_name": "First setter",
    "package_name": "Package",
    "pcf_submitted": "Form filed",
    "phone_e164": "Phone with country code",
    "refund_amount": "Refunded",
    "rescheduled_to_id": "Moved to booking ID",
    "row_id": "Row ID",
    "scheduled_at": "Meeting begins",
    "setter_name": "Setter",
    "snapshot_id": "Payout ID",
    "source_name": "Source",
    "superseded_by_id": "Counted in payment ID",
    "table_name": "Table",
    "actor_user_id": "Who (user ID)",
    "actor_role": "Role",
}
ACRONYMS = {"id": "ID", "uuid": "ID", "uri": "address", "utm": "UTM", "email": "e-mail"}
IDS, DATES, AMOUNTS, PEOPLE, FACTS = "IDs", "Dates", "Amounts", "People", "Details"
OWN = "Your own fields"
GROUPS = (FACTS, PEOPLE, DATES, AMOUNTS, IDS, OWN)


@dataclass(frozen=True)
class OwnColumn:
    """A field that the organisation has defined itself, as people call it; ``value`` is the SQL of
    it in a row of ``source``.
    """

    heading: str
    value: str
    source: str
    is_text: bool = False
    is_number: bool = False
    is_money: bool = False
    is_hidden: bool = False


@dataclass(frozen=True)
class ExportTable:
    """One table as it leaves: its columns in their order, and the date it is cut by, as people call
    it and as SQL; what the columns hold stands with their declaration.

    Organisations without the ``module`` export no such table; None is for every organisation.
    ``amounts`` are what a row amounts to in the figures, in its currency, by name the SQL.
    ``own`` are the organisation's own fields.
    """

    table: Table
    columns: Sequence[str]
    date: str | None
    instant: str | None
    module: str | None
    amounts: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, OwnColumn] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """What can be chosen: the columns, then the amounts, then the organisation's own."""
        return [*self.columns, *self.amounts, *self.own]

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def label(self) -> str:
        """How people call the table."""
        label: str | None = self.table.info["label"]
        return label or capitalized(self.name)

    @property
    def admins_only(self) -> bool:
        """Whether those below an admin may read none of its rows."""
        return not self.is_read_by(Role.MANAGER)

    @property
    def keeps_deleted(self) -> bool:
        """Whether rows that were deleted stay in it, marked as such."""
        return "deleted_at" in self.table.columns

    def is_read_by(self, role: str) -> bool:
        """Whether its security class gives the role any of its rows."""
        return readable(self.table.info["rls"], role) != "none"

    def column(self, name: str) -> Column[object]:
        return self.table.columns[name]

    def is_hidden(self, name: str) -> bool:
        """Whether the column says of a person what not everybody may see."""
        if name in self.own:
            return self.own[name].is_hidden
        fact = personal_of(self.column(name))
        return fact is not None and fact.hidden

    def named_by(self, name: str) -> tuple[str, str] | None:
        """For a column with the name that somebody had when the row was made: the list in which
        they bear their present one, and the column with their id there.
        """
        return PRESENT_NAMES.get((self.name, name))

    def is_text(self, name: str) -> bool:
        """Whether a spreadsheet could take the column's values for formulas."""
        return self.own[name].is_text if name in self.own else self._is_of(name, str)

    def is_money(self, name: str) -> bool:
        """Whether the column is an amount in the currency that stands beside it."""
        if name in self.own:
            return False
        return is_amount(self.column(name).type) and "currency" in self.table.columns

    def is_list(self, name: str) -> bool:
        """Whether the column holds several texts, which leave as one."""
        return name not in self.own and isinstance(self.column(name).type, ARRAY)

    def is_number(self, name: str) -> bool:
        """Whether the column has decimals."""
        if name in self.own:
            return self.own[name].is_number
        return name in self.amounts or self._is_of(name, Decimal)

    def is_instant(self, name: str) -> bool:
        """Whether the column holds points in time."""
        computed = (*self.amounts, *self.own)
        return name not in computed and self._is_of(name, datetime)

    def _is_of(self, name: str, kind: type) -> bool:
        return self.column(name).type.python_type is kind

    def heading(self, name: str) -> str:
        """How people call the column."""
        if name in self.own:
            return self.own[name].heading
        if name in HEADINGS:
            return HEADINGS[name]
        words = [ACRONYMS.get(word, word) for word in name.removesuffix("_at").split("_")]
        text = " ".join(words)
        return text[:1].upper() + text[1:]

    def group(self, name: str) -> str:
        """With which others people choose the column: one of ``GROUPS``."""
        if name in self.own:
            return OWN
        if name in self.amounts or self.is_money(name) or name == "currency":
            return AMOUNTS
        kind = self.column(name).type.python_type
        if kind is UUID or name.endswith(("_id", "_uuid", "_uri", "_key")):
            return IDS
        if issubclass(kind, date):
            return DATES
        of_people = ("_name", "email", "phone", "phone_e164")
        return PEOPLE if name == "name" or name.endswith(of_people) else FACTS

    def is_document(self, name: str) -> bool:
        """Whether the column holds JSON, which leaves as text."""
        return name not in self.own and isinstance(self.column(name).type, JSONB)


def _exported(
    model: type[Base],
    columns: str,
    *,
    date: str | None = None,
    instant: str | None = None,
    module: str | None = None,
    amounts: Mapping[str, str] | None = None,
) -> ExportTable:
    table = model.metadata.tables[f"app.{model.__tablename__}"]
    if date and not instant:
        instant = f"{table.name}.{date}"
    return ExportTable(table, ["id", *columns.split()], date, instant, module, amounts or {})


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
    ),
    _exported(
        Payment,
        "currency status payment_type deal_type processor processor_payment_id membership_key "
        "attribution_method customer_email customer_name attribution_reason amount "
        "refund_amount net_revenue payment_date disputed counts event_id closer_id setter_id "
        "source_id package_id superseded_by_id",
        date="payment_date",
        module=BOOKINGS,
    ),
    _exported(
        Refund,
        "kind currency status reason processor_refund_id payment_id amount refunded_at",
        date="refunded_at",
        module=BOOKINGS,
        amounts={"counted_amount": COUNTED},
    ),
    _exported(
        PostCallForm,
        "currency payment_type traffic_type no_show_party notes recording_url event_id "
        "call_occurred lead_showed offer_made deal_closed cash_collected package_id "
        "follow_up_on followed_up_at version submitted_at",
        date="submitted_at",
        module=BOOKINGS,
    ),
    _exported(
        Lead,
        "status priority is_converted original_setter_name current_setter_name contact_id "
        "source_id traffic_type_id owner_user_id company city external_id score "
        "qualification_summary spam_since received_at created_at",
        date="received_at",
        instant=RECEIVED,
    ),
    _exported(
        Contact,
        "name email phone phone_e164 company address city country source_id tags custom_fields "
        "external_ids owner_user_id unsubscribed_at merged_into_id created_at",
        date="created_at",
    ),
    _exported(
        PayoutSnapshotDetail,
        "customer_name processor processor_payment_id currency closer_name setter_name "
        "source_name package_name attribution_method customer_email snapshot_id payment_id "
        "payment_date amount refund_amount net_revenue kind reason_code reason line_date "
        "held_back",
        date="line_date",
        module=BOOKINGS,
    ),
    _exported(
        Closer,
        "name email calendly_user_uri active created_at",
    ),
    _exported(
        Setter,
        "name email active created_at",
    ),
    _exported(
        Source,
        "name active",
    ),
    _exported(
        TrafficType,
        "name active",
    ),
    _exported(
        CallType,
        "name active",
    ),
    _exported(
        Package,
        "name currency price active",
    ),
    _exported(
        ListEntry,
        "kind name position active",
    ),
    _exported(
        AuditLog,
        "actor_role table_name row_id operation at actor_user_id changes",
        date="at",
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
