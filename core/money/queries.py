"""Queries of payments for screens and the API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
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
)
from sqlalchemy.orm import Session

from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import Closer, Event, Package, Setter
from core.money.models import AttributionMethod, Payment, Refund
from core.people.models import Source
from core.people.visibility import persons_are_hidden, visible
from core.platform.clock import Period
from core.platform.database import organization_id_of
from core.platform.dataframes import dataframe, fetched
from core.platform.normalization import normalize_email
from core.platform.paging import Order, sorted_by

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
        Closer.name.label("closer"),
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
    return conditions


def _mentions(words: str) -> ColumnElement[bool]:
    """The condition that the customer's name contains the words, or that they are the customer's
    e-mail address, the amount or the processor's id. Customers are searched only for those who may
    see them.
    """
    customer = or_(
        Payment.customer_name.icontains(words, autoescape=True),
        Payment.customer_email_normalized == normalize_email(words),
    )
    payment = Payment.processor_payment_id == words
    if re.fullmatch(r"[0-9]{1,12}([.][0-9]{1,3})?", words):
        payment |= Payment.amount == Decimal(words)
    return or_(payment, case((persons_are_hidden(), False), else_=customer))


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


def count_unattributed(db: Session) -> int:
    """The number of counting payments that belong to no event and that nobody has marked as
    belonging to none.
    """
    return count_payments(db, PaymentFilter(unattributed=True))


def payment_detail(db: Session, payment_id: UUID) -> Row[Any] | None:
    """All facts of one payment; None when it does not exist or the caller may not see it."""
    more = (
        Payment.payment_type,
        Payment.membership_key,
        Payment.note,
        Payment.dispute_status,
        Payment.attributed_at,
        Payment.chosen_at,
    )
    return db.execute(
        _named(select(*_columns(), *more).select_from(Payment)).where(Payment.id == payment_id)
    ).first()


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


def suggestions(db: Session, payment_id: UUID, *, limit: int = 8) -> list[Row[Any]]:
    """Events that a payment may belong to, most likely first: same customer, then same name, then
    nearest in time. Cancelled and moved events are left out; the window is 60 days before the
    payment and 14 after.
    """
    payment = db.get_one(Payment, _key(db, payment_id))
    same_email = Event.lead_email_normalized == payment.customer_email_normalized
    same_name = func.lower(Event.lead_name) == func.lower(payment.customer_name)
    distance = func.abs(func.extract("epoch", Event.scheduled_at - payment.payment_date))
    near = (Event.scheduled_at >= payment.payment_date - timedelta(days=60)) & (
        Event.scheduled_at <= payment.payment_date + timedelta(days=14)
    )
    query = (
        select(
            Event.id,
            visible(Event.lead_name),
            visible(Event.lead_email),
            Event.scheduled_at,
            Event.closer_name.label("closer"),
            Event.event_outcome,
        )
        .where(
            or_(near, same_email),
            Event.stands,
            Event.deleted_at.is_(None),
        )
        .order_by(
            func.coalesce(same_email, False).desc(),
            func.coalesce(same_name, False).desc(),
            (Event.event_outcome == "closed").desc().nulls_last(),
            distance,
        )
        .limit(limit)
    )
    return list(db.execute(query))


def _key(db: Session, payment_id: UUID) -> tuple[UUID, UUID]:
    return organization_id_of(db), payment_id
