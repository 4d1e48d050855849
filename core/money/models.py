"""Payments, refunds, and payout snapshots with their lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.bookings.models import PaymentType
from core.platform.labels import LabelledEnum, capitalized
from core.platform.personal import (
    AboutPerson,
    HiddenMention,
    Mention,
    NormalizedEmail,
    Personal,
    PersonEmail,
    PersonName,
    Remark,
    personal,
)
from core.platform.schema import (
    BY_PRODUCT,
    IN_WORDS,
    Base,
    ByLink,
    ProductText,
    RepUsers,
    TenantRow,
    Timestamps,
    UserId,
    Words,
    follows,
    opened_by,
    owned_by,
    refers_at_once_to,
    refers_to,
    secured,
    unless,
)
from core.tenancy.organizations.models import SettingsRow

# the one whose lines and sums, of one person, a statement shows
ONE_SNAPSHOT = "snapshot_id = (select app.opened('snapshot'))"


class PaymentStatus(LabelledEnum):
    SUCCEEDED = "succeeded"
    PENDING = "pending"
    FAILED = "failed"
    CANCELED = "canceled", "Cancelled"


# A processor without a label here is called by its name.
PROCESSOR_LABELS = {"manual": "Entered by hand"}


class AttributionMethod(LabelledEnum):
    EMAIL = "email", "E-mail address"  # the customer's latest event at or before the payment
    # optional: the nearest event within the days after it
    LATER_CALL = "later_call", "Later booking"
    MEMBERSHIP = "membership"  # follows the first payment of the same membership or plan
    # entered on a post-call form, or the same money as such a payment
    FORM = "form", "Post-call form"
    BOOKING = "booking", "Paid with the booking"  # paid with the booking itself
    MANUAL = "manual", "Chosen by a person"  # a person's choice; survives every re-run
    NONE = "none", "Not matched"


class PairVerdict(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    COUNTED = "counted"  # an approved payout has counted the two as one payment
    OPEN = "open"  # taken back: the two are matched automatically again


class DealType(LabelledEnum):
    NEW_DEAL = "new_deal"
    UPSELL = "upsell"
    RENEWAL = "renewal"


class MoneySettings(SettingsRow, Base):
    """How payments are attributed to events, and which payments are counted."""

    __tablename__ = "money_settings"

    forward_attribution_days: Mapped[int | None]
    reconciliation_days: Mapped[int] = mapped_column(server_default=text("3"))
    accept_test_mode: Mapped[bool] = mapped_column(server_default=text("false"))
    payouts_start: Mapped[date | None]


# What never is null stands first, in rows of which Postgres reads everything at each look.
COUNTED = (
    *("counts", "currency", "amount", "refund_amount", "net_revenue", "closer_id", "setter_id"),
    *("source_id", "closer_user_id", "setter_user_id", "package_id", "traffic_type_id"),
    "call_type_id",
)


class Payment(TenantRow, Timestamps, Base):
    """Money received once. ``refund_amount`` is the sum of its counting refunds; cash counts when
    ``counts``. A processor's payment is known by the processor and its id; ``connection_id`` is the
    connection over which it first came.
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("amount >= 0 and refund_amount >= 0", name="not_negative"),
        CheckConstraint(
            "chosen_at is not null or num_nonnulls(chosen_event_id, chosen_by, chosen_reason) = 0",
            name="choice",
        ),
        refers_to("event_id", "events"),
        refers_to("chosen_event_id", "events"),
        refers_to("booked_event_id", "events"),
        refers_to("closer_id", "closers"),
        refers_to("setter_id", "setters"),
        refers_to("source_id", "sources"),
        refers_to("traffic_type_id", "traffic_types"),
        refers_to("call_type_id", "call_types"),
        refers_to("package_id", "packages"),
        refers_to("connection_id", "webhook_connections"),
        refers_to("named_package_id", "packages"),
        refers_to("pcf_id", "post_call_forms"),
        refers_to("form_event_id", "events"),
        refers_to("superseded_by_id", "payments"),
        UniqueConstraint("organization_id", "processor", "processor_payment_id"),
        UniqueConstraint("organization_id", "pcf_id"),
        UniqueConstraint("organization_id", "form_event_id"),
        # Hold all that figures are counted from, grouped by and narrowed to, and whose a row is:
        # they are read from these alone. By the other two whoever has payments is found.
        Index(None, "organization_id", "payment_date", postgresql_include=COUNTED),
        Index(
            None,
            "organization_id",
            "event_id",
            postgresql_include=("counts", "closer_user_id", "setter_user_id"),
        ),
        Index(None, "organization_id", "closer_id", "payment_date"),
        Index(None, "organization_id", "setter_id", "payment_date"),
        Index(None, "organization_id", "updated_at"),
        Index(None, "organization_id", "customer_email_normalized"),
        Index(None, "organization_id", "chosen_event_id"),
        Index(None, "organization_id", "booked_event_id"),
        Index(None, "organization_id", "superseded_by_id"),
        Index(None, "organization_id", "membership_key"),
        secured(
            "reps",
            audit=True,
            owners=owned_by("closer", "setter"),
            subject="payment",
            about=("customer_email_normalized", "pcf_id", "form_event_id"),
            links=opened_by(share_money=ByLink(read="true")),
        ),
    )

    # the money
    amount: Mapped[Decimal]
    currency: Mapped[str]
    refund_amount: Mapped[Decimal] = mapped_column(server_default=text("0"))
    net_revenue: Mapped[Decimal] = mapped_column(Computed("amount - refund_amount", persisted=True))
    payment_date: Mapped[datetime]
    settled_at: Mapped[datetime | None]  # when it first succeeded, as far as known
    status: Mapped[PaymentStatus] = mapped_column(Words(PaymentStatus), server_default="succeeded")
    payment_type: Mapped[PaymentType | None] = mapped_column(Words(PaymentType))
    deal_type: Mapped[DealType] = mapped_column(Words(DealType), server_default="new_deal")
    disputed: Mapped[bool] = mapped_column(server_default=text("false"))
    dispute_status: Mapped[str | None]  # in the processor's own words

    # who paid
    customer_email: Mapped[PersonEmail | None]
    customer_email_normalized: Mapped[NormalizedEmail | None]
    customer_name: Mapped[PersonName | None]

    # where it was taken
    # a provider's name
    processor: Mapped[str] = mapped_column(
        server_default="manual", info={IN_WORDS: PROCESSOR_LABELS}
    )
    connection_id: Mapped[UUID | None]
    processor_payment_id: Mapped[str | None]
    processor_charge_id: Mapped[str | None]
    membership_key: Mapped[str | None]
    named_package_id: Mapped[UUID | None]  # what this record itself says was sold
    booked_event_id: Mapped[UUID | None]  # the booking that it was paid with
    pcf_id: Mapped[UUID | None]
    form_event_id: Mapped[UUID | None]  # on whose form it was entered, also a withdrawn one
    superseded_by_id: Mapped[UUID | None]
    note: Mapped[AboutPerson | None]
    deleted_at: Mapped[datetime | None]
    counts: Mapped[bool] = mapped_column(
        Computed(
            "status = 'succeeded' and deleted_at is null and superseded_by_id is null",
            persisted=True,
        )
    )

    # what a person decided: this event, or with ``chosen_at`` alone no event
    chosen_at: Mapped[datetime | None]
    chosen_event_id: Mapped[UUID | None]
    chosen_by: Mapped[UUID | None]
    chosen_reason: Mapped[str | None] = mapped_column(
        info=personal(Personal.MENTION, anywhere=True)
    )

    # whose it is, and why; written by ``app.attribute_payments`` alone
    event_id: Mapped[UUID | None]
    closer_id: Mapped[UUID | None]
    closer_user_id: Mapped[UUID | None]
    setter_id: Mapped[UUID | None]
    setter_user_id: Mapped[UUID | None]
    source_id: Mapped[UUID | None]
    traffic_type_id: Mapped[UUID | None]
    call_type_id: Mapped[UUID | None]
    package_id: Mapped[UUID | None]
    attribution_method: Mapped[AttributionMethod] = mapped_column(
        Words(AttributionMethod), server_default="none"
    )
    attribution_reason: Mapped[str | None] = mapped_column(
        info=personal(Personal.MENTION, anywhere=True)
    )
    attributed_at: Mapped[datetime | None]


class PaymentPair(TenantRow, Timestamps, Base):
    """What was decided of a payment that was entered by hand and one that a processor reported: the
    same money, or not. A person decides, or a payout that has counted them as one. The latest word
    on either of them counts.
    """

    __tablename__ = "payment_pairs"
    __table_args__ = (
        refers_to("entered_id", "payments"),
        refers_to("reported_id", "payments"),
        UniqueConstraint("organization_id", "entered_id", "reported_id"),
        Index(None, "organization_id", "reported_id"),
        secured("reps", audit=True, owners=follows("entered_id"), about=("entered_id",)),
    )

    entered_id: Mapped[UUID]
    reported_id: Mapped[UUID]
    rep_user_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))
    verdict: Mapped[PairVerdict] = mapped_column(Words(PairVerdict))
    decided_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    reason: Mapped[Mention]


class RefundKind(StrEnum):
    REFUND = "refund"
    DISPUTE = "dispute"


class RefundStatus(LabelledEnum):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled", "Cancelled"


UNDONE = (RefundStatus.FAILED, RefundStatus.CANCELED)  # no money went back


class Refund(TenantRow, Timestamps, Base):
    """One refund, or one lost dispute, of one payment; ``counts`` unless it failed or was
    cancelled. ``split_of_id`` is the rise of a running total that payouts have counted and that
    turned out to hold this refund among others.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        refers_to("payment_id", "payments"),
        refers_to("split_of_id", "refunds"),
        Index(None, "organization_id", "split_of_id"),
        UniqueConstraint("organization_id", "payment_id", "processor_refund_id"),
        secured("reps", audit=True, owners=follows("payment_id"), about=("payment_id",)),
    )

    payment_id: Mapped[UUID]
    rep_user_ids: Mapped[RepUsers]
    kind: Mapped[RefundKind] = mapped_column(Words(RefundKind), server_default="refund")
    amount: Mapped[Decimal]
    currency: Mapped[str]
    status: Mapped[RefundStatus] = mapped_column(Words(RefundStatus))
    counts: Mapped[bool] = unless("status", UNDONE)
    processor_refund_id: Mapped[str]
    refunded_at: Mapped[datetime]
    reason: Mapped[Remark | None]
    split_of_id: Mapped[UUID | None]


class SnapshotState(LabelledEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    PAID = "paid"


class PayoutSnapshot(TenantRow, Timestamps, Base):
    """The lines of a period with their sums. Once approved the database refuses any change but
    approved → paid, and no approved period may begin before the end of another.
    """

    __tablename__ = "payout_snapshots"
    __table_args__ = (
        Index(None, "organization_id", "period_start"),
        secured("payouts", audit=True, label="Payouts"),
    )

    name: Mapped[str]
    period_start: Mapped[date]
    period_end: Mapped[date]
    timezone: Mapped[ProductText]
    state: Mapped[SnapshotState] = mapped_column(Words(SnapshotState), server_default="draft")
    totals: Mapped[dict[str, Any]] = mapped_column(info={BY_PRODUCT: True})
    payment_count: Mapped[int]
    created_by: Mapped[UserId | None]
    approved_by: Mapped[UserId | None]
    approved_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    # of its lines as approved, set by the database: ``app.payout_lines_sha256``
    lines_sha256: Mapped[ProductText | None]


class LineKind(LabelledEnum):
    PAYMENT = "payment"
    ADJUSTMENT = "adjustment"


class BridgeStep(LabelledEnum):
    """A step on the way from the net revenue of a payout's days in the figures to the payout's."""

    FIGURES = "figures", "Net revenue of these days in the figures"
    BEFORE_START = "before_start", "Payments from before payouts started"
    COUNTED_BEFORE = "counted_before", "Counted in another payout already"
    REFUNDED_LATER = (
        "refunded_later",
        "Refunds of these payments after these days, for later payouts",
    )
    LATE = "late", "Earlier payments that no payout had counted"
    REFUNDS_OF_EARLIER = "refunds_of_earlier", "Refunds and lost disputes of earlier payments"
    CORRECTIONS = "corrections", "Corrections of what earlier payouts counted"
    HELD_BACK = "held_back", "Held back"
    OTHER = "other", "Changed since, or counted in a later payout"
    PAYOUT = "payout", "Net revenue of this payout"


@dataclass(frozen=True)
class Meaning:
    """What follows from the reason of a line. ``step`` is where the bridge has lines of earlier
    payments; those of the payout's own days are in the figures already, unless the reason
    ``leaves_figures``. With ``counts_cash`` a line that adds cash counts the payment again, and
    ``is_return`` says that the line is one refund or one lost dispute.
    """

    step: BridgeStep
    label: str = ""
    kind: LineKind = LineKind.ADJUSTMENT
    counts_cash: bool = False
    is_return: bool = False
    leaves_figures: bool = False


class LineReason(LabelledEnum):
    """Why a line is there."""

    meaning: Meaning

    def __new__(cls, value: str, meaning: Meaning) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = meaning.label or capitalized(value)
        member.meaning = meaning
        return member

    PAYMENT = "payment", Meaning(BridgeStep.CORRECTIONS, kind=LineKind.PAYMENT, counts_cash=True)
    LATE = (
        "late",
        Meaning(BridgeStep.LATE, "Counted late", kind=LineKind.PAYMENT, counts_cash=True),
    )
    REFUND = "refund", Meaning(BridgeStep.REFUNDS_OF_EARLIER, is_return=True)
    DISPUTE = "dispute", Meaning(BridgeStep.REFUNDS_OF_EARLIER, "Dispute lost", is_return=True)
    REFUND_CHANGED = "refund_changed", Meaning(BridgeStep.REFUNDS_OF_EARLIER)
    CREDITED = "credited", Meaning(BridgeStep.CORRECTIONS, "Credited to somebody else")
    AMOUNT = "amount", Meaning(BridgeStep.CORRECTIONS, "Amount corrected")
    # either record of the same money: the one that is taken out, and the one that takes its place
    SUPERSEDED = (
        "superseded",
        Meaning(BridgeStep.CORRECTIONS, "Same money", counts_cash=True, leaves_figures=True),
    )
    DELETED = "deleted", Meaning(BridgeStep.CORRECTIONS, leaves_figures=True)
    FAILED = "failed", Meaning(BridgeStep.CORRECTIONS, leaves_figures=True)
    MOVED_LATER = (
        "moved_later",
        Meaning(BridgeStep.CORRECTIONS, "Dated later", leaves_figures=True),
    )
    RESTORED = "restored", Meaning(BridgeStep.CORRECTIONS, "Counts again", counts_cash=True)


class PayoutSnapshotDetail(TenantRow, Base):
    """One line: a signed amount of one payment with its people. ``amount`` is its cash and
    ``refund_amount`` what of it went back; ``corrects`` names the earlier lines that it adjusts.

    Lines are not audited one by one: the audit log has the payout with its count and sums, and an
    approved line cannot change.

    A line that is held back, with the reason in ``held_back``, is in no sum and comes again.
    """

    __tablename__ = "payout_snapshot_details"
    __table_args__ = (
        refers_at_once_to("snapshot_id", "payout_snapshots"),
        refers_at_once_to("payment_id", "payments"),
        Index(None, "organization_id", "snapshot_id"),
        Index(None, "organization_id", "payment_id"),
        secured(
            "payouts",
            label="Payout lines",
            about=("payment_id",),
            links=opened_by(
                statement=ByLink(
                    read=(
                        f"{ONE_SNAPSHOT} and (closer_id = (select app.opened('closer'))"
                        " or setter_id = (select app.opened('setter')))"
                    )
                )
            ),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)  # its payout's
    snapshot_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    kind: Mapped[LineKind] = mapped_column(Words(LineKind))
    reason_code: Mapped[LineReason] = mapped_column(Words(LineReason))
    reason: Mapped[str | None]
    line_date: Mapped[datetime]
    payment_date: Mapped[datetime]
    customer_email: Mapped[PersonEmail | None]
    customer_name: Mapped[PersonName | None]
    processor: Mapped[str] = mapped_column(info={IN_WORDS: PROCESSOR_LABELS})
    processor_payment_id: Mapped[str | None]
    currency: Mapped[str]
    amount: Mapped[Decimal]
    refund_amount: Mapped[Decimal]
    net_revenue: Mapped[Decimal]
    event_id: Mapped[UUID | None]
    closer_id: Mapped[UUID | None]
    closer_name: Mapped[str | None]
    setter_id: Mapped[UUID | None]
    setter_name: Mapped[str | None]
    source_id: Mapped[UUID | None]
    source_name: Mapped[str | None]
    package_id: Mapped[UUID | None]
    package_name: Mapped[str | None]
    attribution_method: Mapped[AttributionMethod] = mapped_column(Words(AttributionMethod))
    attribution_reason: Mapped[HiddenMention | None]
    refund_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))
    corrects: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))
    held_back: Mapped[Remark | None]


class SummaryDimension(StrEnum):
    CLOSER = "closer"
    SETTER = "setter"
    SOURCE = "source"
    PACKAGE = "package"


class PayoutSnapshotSummary(TenantRow, Base):
    """The snapshot's totals by one dimension and currency; ``label`` null stands for "none"."""

    __tablename__ = "payout_snapshot_summaries"
    __table_args__ = (
        refers_to("snapshot_id", "payout_snapshots"),
        Index(None, "organization_id", "snapshot_id"),
        secured(
            "payouts",
            audit=True,
            label="Payout sums",
            links=opened_by(
                statement=ByLink(
                    read=(
                        f"{ONE_SNAPSHOT} and (dimension = 'closer' and member_id = (select"
                        " app.opened('closer')) or dimension = 'setter' and member_id = (select"
                        " app.opened('setter')))"
                    )
                )
            ),
        ),
    )

    snapshot_id: Mapped[UUID]
    dimension: Mapped[SummaryDimension] = mapped_column(Words(SummaryDimension))
    member_id: Mapped[UUID | None]
    label: Mapped[str | None]
    currency: Mapped[str]
    payment_count: Mapped[int]
    cash_collected: Mapped[Decimal]
    refunds: Mapped[Decimal]
    net_revenue: Mapped[Decimal]
