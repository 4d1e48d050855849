"""Queries of payments for screens and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    TextClause,
    Uuid,
    case,
    cast,
    func,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import Session

from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import Closer, Event, Package, Setter
from core.money.models import AttributionMethod, Payment, Refund
from core.people.models import Contact, ContactEmail, Source
from core.people.visibility import persons_are_hidden, visible
from core.platform.clock import Period, now
from core.platform.dataframes import dataframe, fetched
from core.platform.money import shown
from core.platform.paging import Order, sorted_by
from core.platform.search import is_address, is_amount

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PaymentFilter:
    """What a list of payments is narrowed to; an empty field does not narrow."""

    period: Period | None = None
    ids: Mapping[str, Sequence[UUID]] | None = None
    unattributed: bool = False
    search: str = ""
    event_id: UUID | None = None
    contact_id: UUID | None = None
    condition: TextClause | None = None


def _columns() -> tuple[Any, ...]:
    return (
        Payment.id,
        Payment.amount,
        Payment.refund_amount,
        Payment.net_revenue,
        Payment.currency,
        Payment.payment_date,
        visible(Payment.customer_email),
        visible(Payment.customer_name),
        Payment.status,
        Payment.disputed,
        Payment.processor,
        Payment.processor_payment_id,
        Payment.event_id,
        Payment.closer_id,
        Closer.name.label("closer"),
        Payment.setter_id,
        Setter.name.label("setter"),
        Source.name.label("source"),
        Package.name.label("package"),
        Payment.attribution_method,
        visible(Payment.attribution_reason),
        Payment.superseded_by_id,
        Payment.deal_type,
        Payment.counts,
    )


def _named(query: Select[Any]) -> Select[Any]:
    for table, column in (
        (Closer, Payment.closer_id),
        (Setter, Payment.setter_id),
        (Source, Payment.source_id),
        (Package, Payment.package_id),
    ):
        query = query.outerjoin(
            table, (table.organization_id == Payment.organization_id) & (table.id == column)
        )
    return query


def _conditions(chosen: PaymentFilter) -> list[ColumnElement[bool] | TextClause]:
    conditions: list[ColumnElement[bool] | TextClause] = [Payment.deleted_at.is_(None)]
    if chosen.condition is not None:
        conditions.append(chosen.condition)
    if chosen.period is not None:
        conditions.append(chosen.period.covers(Payment.payment_date))
    for name, ids in (chosen.ids or {}).items():
        if ids and name in LISTED_COLUMNS:
            conditions.append(getattr(Payment, name).in_(list(ids)))
    if chosen.unattributed:
        conditions += [
            Payment.counts.is_(True),
            Payment.event_id.is_(None),
            Payment.attribution_method == AttributionMethod.NONE,
        ]
    if chosen.event_id is not None:
        conditions.append(Payment.event_id == chosen.event_id)
    if words := chosen.search.replace("\0", "").strip():  # the database keeps no zero characters
        conditions.append(_mentions(words))
    if chosen.contact_id is not None:
        conditions.append(_of_contact(chosen.contact_id))
    return conditions


def _mentions(words: str) -> ColumnElement[bool]:
    """The condition that the customer's name contains the words, or that they are the customer's
    e-mail address, the amount or the processor's id. Customers are searched only for those who may
    see them.
    """
    customer = or_(
        Payment.customer_name.icontains(words, autoescape=True),
        is_address(Payment.customer_email_normalized, words),
    )
    payment = (Payment.processor_payment_id == words) | is_amount(Payment.amount, words)
    return or_(payment, case((persons_are_hidden(), False), else_=customer))


def _of_contact(contact_id: UUID) -> ColumnElement[bool]:
    """That the payment was made under an address of the contact, or for one of their events."""
    addresses: CompoundSelect[Any] = union(
        select(ContactEmail.email_normalized).where(ContactEmail.contact_id == contact_id),
        select(Contact.email_normalized).where(Contact.id == contact_id),
    )
    events = select(Event.id).where(Event.contact_id == contact_id)
    return or_(Payment.customer_email_normalized.in_(addresses), Payment.event_id.in_(events))


def payments_page(
    db: Session,
    chosen: PaymentFilter,
    *,
    limit: int = 50,
    after: tuple[datetime, UUID] | None = None,
) -> list[Row[Any]]:
    """Payments that the caller may see, latest first; ``after`` is the previous page's cursor."""
    query = _named(select(*_columns()).select_from(Payment)).where(*_conditions(chosen))
    if after is not None:
        query = query.where(tuple_(Payment.payment_date, Payment.id) < after)
    return list(
        db.execute(query.order_by(Payment.payment_date.desc(), Payment.id.desc()).limit(limit))
    )


AMOUNTS = ("amount", "net_revenue")
ORDERED = (
    *("payment_date", "customer_name", "customer_email", "processor", "closer", "setter"),
    *("source", *AMOUNTS),
)


def payments_table(
    db: Session,
    chosen: PaymentFilter,
    *,
    order: Order | None = None,
    limit: int = 500,
    offset: int = 0,
) -> pd.DataFrame:
    """Payments that the caller may see, by one of the columns ``ORDERED`` or latest first. Amounts
    are sorted within their currency, net revenue by what counts of it. Columns: those of
    ``payments_page``; money Decimal, instants aware in UTC.
    """
    columns = {column.key: column for column in _columns()}
    counting = {"net_revenue": case((Payment.counts, Payment.net_revenue))}
    within = [Payment.currency] if order and order.column in AMOUNTS else []
    query = _named(select(*columns.values()).select_from(Payment)).where(*_conditions(chosen))
    rows = sorted_by(
        query,
        columns | counting,
        order,
        usual=Payment.payment_date.desc(),
        newest=Payment.id,
        within=within,
    )
    return dataframe(list(db.execute(rows.limit(limit).offset(offset))), [*columns])


def count_payments(db: Session, chosen: PaymentFilter) -> int:
    """The number of payments that match the filter, counting or not."""
    return db.scalars(select(func.count()).select_from(Payment).where(*_conditions(chosen))).one()


def payment_sums(db: Session, chosen: PaymentFilter) -> dict[str, tuple[int, Any, Any]]:
    """Count, cash and net revenue of the counting payments that the filter leaves, by currency."""
    sums = (
        select(
            Payment.currency, func.count(), func.sum(Payment.amount), func.sum(Payment.net_revenue)
        )
        .where(*_conditions(chosen), Payment.counts)
        .group_by(Payment.currency)
        .order_by(Payment.currency)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in db.execute(sums)}


@dataclass(frozen=True)
class Unattributed:
    """The counting payments of all time that belong to no event and that nobody has marked as
    belonging to none: how many, their cash by currency, and the date of the oldest.
    """

    count: int
    cash: Mapping[str, Decimal]
    oldest: datetime | None

    @property
    def in_words(self) -> str:
        """``2 payments ($40.00 + €7.00) are not matched to a booking; the oldest is 63 days old``;
        without any, that every payment has its booking.
        """
        if self.oldest is None:
            return "every payment has its booking"
        payments = "1 payment" if self.count == 1 else f"{self.count:,} payments"
        cash = " + ".join(shown(amount, currency) for currency, amount in self.cash.items())
        verb = "is" if self.count == 1 else "are"
        return f"{payments} ({cash}) {verb} not matched to a booking; {self.age_in_words}"

    @property
    def age_in_words(self) -> str:
        """``the oldest is 63 days old``; nothing without any."""
        if self.oldest is None:
            return ""
        age = (now() - self.oldest).days
        days = {0: "less than a day", 1: "1 day"}.get(age, f"{age:,} days")
        return f"{'it' if self.count == 1 else 'the oldest'} is {days} old"


def unattributed_money(db: Session, condition: TextClause | None = None) -> Unattributed:
    """What is unattributed of what the caller may see and ``condition`` leaves, whatever the
    period.
    """
    rows = db.execute(
        select(
            Payment.currency,
            func.count().label("count"),
            func.sum(Payment.amount).label("cash"),
            func.min(Payment.payment_date).label("oldest"),
        )
        .where(*_conditions(PaymentFilter(unattributed=True, condition=condition)))
        .group_by(Payment.currency)
        .order_by(Payment.currency)
    ).all()
    return Unattributed(
        sum(row[1] for row in rows),
        {row.currency: row.cash for row in rows},
        min((row.oldest for row in rows), default=None),
    )


def payment_detail(db: Session, payment_id: UUID) -> Row[Any] | None:
    """All facts of one payment, with the contact who booked, or else whose address paid; None when
    it does not exist or the caller may not see it.
    """
    more = (
        Payment.payment_type,
        Payment.membership_key,
        Payment.note,
        Payment.dispute_status,
        Payment.attributed_at,
        Payment.chosen_at,
        Event.scheduled_at.label("event_scheduled_at"),
        func.coalesce(Event.contact_id, ContactEmail.contact_id).label("contact_id"),
    )
    query = (
        _named(select(*_columns(), *more).select_from(Payment))
        .outerjoin(
            Event,
            (Event.organization_id == Payment.organization_id) & (Event.id == Payment.event_id),
        )
        .outerjoin(
            ContactEmail,
            (ContactEmail.organization_id == Payment.organization_id)
            & (ContactEmail.email_normalized == Payment.customer_email_normalized),
        )
    )
    return db.execute(query.where(Payment.id == payment_id)).first()


def refunds_of(db: Session, payment_id: UUID) -> pd.DataFrame:
    """The payment's refunds and lost disputes, by date. Columns: refunded_at, kind, amount,
    currency, status, reason, counted_amount: how much of it has gone back, which is nothing of one
    that failed, and together no more than was paid.
    """
    counting = func.app.counting_refunds(cast([payment_id], ARRAY(Uuid))).table_valued(
        "id", "amount", name="counting"
    )
    columns = (
        Refund.refunded_at,
        Refund.kind,
        Refund.amount,
        Refund.currency,
        Refund.status,
        Refund.reason,
        func.coalesce(counting.c.amount, 0).label("counted_amount"),
    )
    rows = db.execute(
        select(*columns)
        .outerjoin(counting, counting.c.id == Refund.id)
        .where(Refund.payment_id == payment_id, Refund.amount > 0)
        .order_by(Refund.refunded_at, Refund.id)
    )
    return fetched(rows)
