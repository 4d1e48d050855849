"""Request and response models of payments and payouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BeforeValidator,
    Field,
    TypeAdapter,
    WithJsonSchema,
    create_model,
    field_serializer,
    model_validator,
)
from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.bookings.schemas import LISTED_FIELDS, ListedQuery
from core.money.models import (
    AttributionMethod,
    LineKind,
    LineReason,
    PaymentStatus,
    SnapshotState,
)
from core.money.pairs import open_entries
from core.money.payout_sums import DIMENSIONS, SUMS
from core.money.payout_tables import (
    details_in_batches,
    payments_without_closer,
    summaries_table,
)
from core.money.payouts import StaleDraft, get_snapshot
from core.money.queries import PaymentFilter
from core.platform.clock import Period
from core.platform.dataframes import records
from core.platform.errors import Conflict
from core.platform.money import decimal_text
from core.platform.schemas import (
    TEXT,
    AmountText,
    Body,
    Count,
    Currency,
    Day,
    FilledText,
    Instant,
    Page,
    Response,
    Sums,
    period_of,
)


class Attribution(Response):
    """How a payment was attributed to its event, and the reason in words."""

    method: AttributionMethod
    reason: str | None


class PaymentItem(Response):
    """A payment as lists show it; a title is the field's heading on screens."""

    id: UUID
    amount: Decimal = Field(title="Amount")
    refund_amount: Decimal = Field(title="Refunded")
    net_revenue: Decimal = Field(title="Net")
    currency: Currency = Field(title="Currency")
    payment_date: Instant = Field(title="Date")
    customer_email: str | None = Field(title="E-mail")
    status: PaymentStatus = Field(title="State")
    disputed: bool = Field(title="Disputed")
    processor: str = Field(title="From")
    processor_payment_id: str | None
    event_id: UUID | None
    closer: str | None = Field(title="Closer")
    setter: str | None = Field(title="Setter")
    source: str | None = Field(title="Source")
    counts: bool = Field(title="Counts")
    superseded_by: UUID | None
    attribution: Attribution = Field(title="Attribution")

    @model_validator(mode="before")
    @classmethod
    def _of_row(cls, row: Any) -> Any:
        if not isinstance(row, Row):
            return row
        method, reason = row.attribution_method, row.attribution_reason
        return row._asdict() | {
            "superseded_by": row.superseded_by_id,
            "attribution": {"method": method, "reason": reason},
        }

    @field_serializer("amount", "refund_amount", "net_revenue", return_type=AmountText)
    def _as_text(self, amount: Decimal) -> str:
        return decimal_text(amount, self.currency)


class PaymentPage(Page[PaymentItem]):
    """Payments, latest first."""


class PaymentsFilter(ListedQuery):
    """The parameters of the list of payments; a payment has to match all that are given."""

    unattributed: Annotated[
        bool,
        BeforeValidator("true".__eq__),
        WithJsonSchema({"type": "string", "enum": ["true"]}),
    ] = False

    def filter(self, timezone: str) -> PaymentFilter:
        """The filter of the list."""
        return PaymentFilter(
            period=self.period(timezone), ids=self.ids(), unattributed=self.unattributed
        )


PaymentsQuery = create_model("PaymentsQuery", __base__=PaymentsFilter, **LISTED_FIELDS)


class NewPayout(Body):
    """The days of a payout; ``period_end`` is exclusive. Without a name it is called by its days.
    The organisation is the caller's own, and may be named.
    """

    name: Annotated[FilledText | None, TEXT] = None
    organization_id: UUID | None = None
    period_start: Day
    period_end: Day

    def period(self, timezone: str) -> Period:
        """The period. Raises InvalidInput."""
        names = ("period_start", "period_end")
        return period_of(self.period_start, self.period_end, timezone, names=names)


class PayoutTotals(Response):
    """The sums of a payout."""

    cash_collected: Sums
    refunds: Sums
    net_revenue: Sums


class PayoutHeader(Response):
    """What a payout covers, and its sums."""

    id: UUID
    name: str
    state: SnapshotState
    timezone: str
    period_start: date
    period_end: date
    payment_count: Count
    created_at: Instant
    totals: PayoutTotals
    lines_sha256: str | None = Field(
        description="SHA-256 of the lines as they were approved; null for a draft"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_snapshot(cls, snapshot: Any) -> Any:
        if not hasattr(snapshot, "totals"):
            return snapshot
        totals = {
            name: {currency: sums[name] for currency, sums in snapshot.totals.items()}
            for name in SUMS
        }
        known = {name: getattr(snapshot, name) for name in cls.model_fields}
        return known | {"totals": totals}


class PayoutSummary(Response):
    """One member of a dimension, in one currency."""

    dimension: Annotated[str, Field(json_schema_extra={"enum": list(DIMENSIONS)})]
    member_id: UUID | None
    label: str | None
    currency: Currency
    payment_count: Count
    cash_collected: Decimal
    refunds: Decimal
    net_revenue: Decimal

    @field_serializer("cash_collected", "refunds", "net_revenue", return_type=AmountText)
    def _as_text(self, amount: Decimal) -> str:
        return decimal_text(amount, self.currency)


NAMED_BY = {"closer": "host", "setter": "the booking says"}


def credited(line: Mapping[str, Any], part: str, name: str) -> str | None:
    """Whom of ``part`` a line is credited to: without the id nobody, whatever the booking says."""
    if line[f"{part}_id"] is not None or line[name] is None:
        return line[name]
    return f"Nobody ({NAMED_BY[part]} “{line[name]}”)"


class PayoutDetail(Response):
    """One line of a payout: a payment, or an adjustment of earlier lines."""

    id: UUID
    kind: LineKind
    reason_code: LineReason
    reason: str | None = Field(description="A sentence; null for a payment of the period")
    line_date: Instant
    payment_id: UUID
    payment_date: Instant
    customer_email: str | None
    customer_name: str | None
    processor: str
    processor_payment_id: str | None
    currency: Currency
    amount: Decimal = Field(
        description="A payment's cash before refunds; what an adjustment changes, with its sign"
    )
    cash: Decimal = Field(description="What the line adds to the cash collected")
    refund_amount: Decimal = Field(description="What the line adds to the refunds")
    net_revenue: Decimal = Field(description="cash less refund_amount")
    event_id: UUID | None
    closer: str | None
    closer_id: UUID | None
    closer_name: str | None
    setter: str | None
    setter_id: UUID | None
    setter_name: str | None
    source_id: UUID | None
    source_name: str | None
    package_id: UUID | None
    package_name: str | None
    attribution_method: AttributionMethod
    attribution_reason: str | None
    corrects: list[UUID] = Field(description="The earlier lines that it adjusts")
    held_back: str | None = Field(description="Why it is in no sum and comes again; null if it is")
    held_before: str | None = Field(description="Why the payout before held it back, if it did")

    @model_validator(mode="before")
    @classmethod
    def _of_line(cls, line: dict[str, Any]) -> dict[str, Any]:
        is_payment = line["kind"] == LineKind.PAYMENT
        closer, setter = (credited(line, part, f"{part}_name") for part in ("closer", "setter"))
        return line | {
            "closer": closer,
            "closer_name": closer,
            "setter": setter,
            "setter_name": setter,
            "cash": line["amount"],
            "amount": line["amount"] if is_payment else line["net_revenue"],
        }

    @field_serializer("amount", "cash", "refund_amount", "net_revenue", return_type=AmountText)
    def _as_text(self, amount: Decimal) -> str:
        return decimal_text(amount, self.currency)


class Payout(Response):
    """A payout with its summaries and payments."""

    id: UUID
    header: PayoutHeader
    payments_without_closer: Count
    open_entries: Count = Field(
        description="Entries by hand that may be the same money as a processor's payment, of which"
        " this payout pays one: both may be paid"
    )
    summaries: list[PayoutSummary]
    details: list[PayoutDetail]  # the last field: its lines follow the others one by one


DETAILS = TypeAdapter(list[PayoutDetail])


def payout_json(
    transaction: Callable[[], AbstractContextManager[Session]], snapshot_id: UUID
) -> Iterator[bytes]:
    """A ``Payout`` as pieces of JSON, so that its lines need no more memory than a page of them.
    Raises NotFound before the first piece.
    """
    with transaction() as db:
        answer, batches = _of_one_moment(db, snapshot_id)
        yield answer.model_dump_json().encode().removesuffix(b"]}")
        comma = b""
        for lines in batches:
            yield comma + DETAILS.dump_json(DETAILS.validate_python(lines))[1:-1]
            comma = b","
        yield b"]}"


def _of_one_moment(db: Session, snapshot_id: UUID) -> tuple[Payout, Iterator[list[dict[str, Any]]]]:
    """The payout without its lines, and the lines. A draft that is rebuilt while they are asked for
    is read again.
    """
    while True:
        changed_at = get_snapshot(db, snapshot_id).updated_at
        lines = details_in_batches(db, snapshot_id)
        first = next(lines, None)  # from here on the lines are those of this moment
        without_closer = payments_without_closer(db, snapshot_id)
        entries = open_entries(db, snapshot_id)
        summaries = records(summaries_table(db, snapshot_id))
        snapshot = get_snapshot(db, snapshot_id)
        if snapshot.updated_at == changed_at:
            break
    answer = {
        "id": snapshot.id,
        "header": snapshot,
        "payments_without_closer": without_closer,
        "open_entries": entries,
        "summaries": summaries,
        "details": [],
    }
    return Payout.model_validate(answer), chain([] if first is None else [first], lines)


class PayoutDifference(Response):
    """How a draft differs from the present, in the lines of one payment and its people."""

    payment_id: UUID
    what: Literal["new", "gone", "changed"]
    reason: str | None
    currency: Currency
    net_then: Decimal | None
    net_now: Decimal | None
    closer: str | None
    setter: str | None

    @model_validator(mode="before")
    @classmethod
    def _of_change(cls, change: dict[str, Any]) -> dict[str, Any]:
        return change | {part: credited(change, part, part) for part in ("closer", "setter")}

    @field_serializer("net_then", "net_now", return_type=AmountText | None)
    def _as_text(self, amount: Decimal | None) -> str | None:
        return None if amount is None else decimal_text(amount, self.currency)


class StaleProblem(Response):
    """Why a draft was not approved, and how it differs from the present."""

    code: str
    message: str
    differences: list[PayoutDifference]


class NotApproved(Response):
    """The refusal to approve; ``differences`` is empty when the draft itself is in order."""

    error: StaleProblem


def not_approved(error: Conflict) -> NotApproved:
    """The refusal as it is answered."""
    differences = records(error.differences) if isinstance(error, StaleDraft) else []
    return NotApproved.model_validate(
        {"error": {"code": error.code, "message": error.message, "differences": differences}}
    )
