"""Queries of payments for screens and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    Select,
    TextClause,
    Uuid,
    and_,
    case,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import Session, aliased

from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import Closer, Event, Package, Setter
from core.money.models import (
    AttributionMethod,
    PairVerdict,
    Payment,
    PaymentPair,
    PayoutSnapshotDetail,
    Refund,
)
from core.people.models import ContactEmail, Source
from core.people.visibility import persons_are_hidden, visible
from core.platform.clock import Period
from core.platform.database import organization_id_of
from core.platform.dataframes import dataframe, fetched

if TYPE_CHECKING:
    import pandas as pd

PAIRS_WITHIN_DAYS = 30  # what lies further apart is not offered as the same money


@dataclass(frozen=True)
class PaymentFilter:
    """What a list of payments is narrowed to; an empty field does not narrow."""

    period: Period | None = None
    ids: Mapping[str, Sequence[UUID]] | None = None
    unattributed: bool = False
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
    return conditions


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


def payments_table(db: Session, chosen: PaymentFilter, *, limit: int = 500) -> pd.DataFrame:
    """The same as a table. Columns: those of ``payments_page``; money Decimal, instants aware in
    UTC.
    """
    names = [column.key for column in _columns()]
    return dataframe(payments_page(db, chosen, limit=limit), names)


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
    chosen = PaymentFilter(unattributed=True)
    return db.scalars(select(func.count()).select_from(Payment).where(*_conditions(chosen))).one()


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


def reconciliation_list(db: Session, *, limit: int = 200) -> pd.DataFrame:
    """Payments entered by hand that no processor has reported, each beside the counting payments of
    the same customer or event that may be the same money, in whatever currency, nearest first, and
    beside those that they were called the same as and yet are not; and those that count as one with
    a processor's by what a payout has counted, and that say something else by now.

    Columns: payment_id, customer_email, payment_date, amount, currency, other_payment_id,
    other_amount, other_currency, other_date, is_same (counts as one now). What is certainly the
    same money counts once already, and what a person called different is left out; these need a
    person.
    """
    reported = aliased(Payment)
    is_same = func.coalesce(Payment.superseded_by_id == reported.id, False)
    differs = tuple_(Payment.amount, Payment.currency) != tuple_(reported.amount, reported.currency)
    nobodys_word = or_(
        func.coalesce(PaymentPair.verdict, PairVerdict.OPEN) == PairVerdict.OPEN,
        and_(PaymentPair.verdict == PairVerdict.COUNTED, PaymentPair.decided_by.is_(None)),
    )
    query = (
        _possible_pairs(
            reported,
            Payment.id.label("payment_id"),
            visible(Payment.customer_email),
            Payment.payment_date,
            Payment.amount,
            Payment.currency,
            reported.id.label("other_payment_id"),
            reported.amount.label("other_amount"),
            reported.currency.label("other_currency"),
            reported.payment_date.label("other_date"),
            is_same.label("is_same"),
        )
        .where(or_(_may_be_one(reported), and_(is_same, reported.counts, differs, nobodys_word)))
        .order_by(Payment.payment_date.desc(), Payment.id, _distance(reported))
        .limit(limit)
    )
    found = db.execute(query)
    return fetched(found)


def pairs_of(db: Session, payment_id: UUID, *, limit: int = 8) -> list[Row[Any]]:
    """What may be the same money as this payment, whichever side it is of: what counts as the same
    now first, then the nearest. Columns: entered_id, reported_id, is_same, amount, currency,
    payment_date, processor and customer_email of the other payment.
    """
    reported = aliased(Payment)
    is_same = func.coalesce(Payment.superseded_by_id == reported.id, False)

    def other(name: str) -> ColumnElement[Any]:
        return case(
            (Payment.id == payment_id, getattr(reported, name)), else_=getattr(Payment, name)
        ).label(name)

    query = (
        _possible_pairs(
            reported,
            Payment.id.label("entered_id"),
            reported.id.label("reported_id"),
            is_same.label("is_same"),
            *(other(name) for name in ("amount", "currency", "payment_date", "processor")),
            case((persons_are_hidden(), null()), else_=other("customer_email")).label(
                "customer_email"
            ),
            where=[or_(Payment.id == payment_id, reported.id == payment_id)],
        )
        .order_by(is_same.desc(), _distance(reported), Payment.id, reported.id)
        .limit(limit)
    )
    return list(db.execute(query))


def may_be_same(db: Session, payment_id: UUID) -> set[UUID]:
    """The payments that may be the same money as this one, and that nobody has called other."""
    reported = aliased(Payment)
    pairs = _possible_pairs(
        reported,
        Payment.id,
        reported.id,
        where=[or_(Payment.id == payment_id, reported.id == payment_id)],
    ).where(func.coalesce(PaymentPair.verdict, PairVerdict.OPEN) != PairVerdict.DIFFERENT)
    return {each for pair in db.execute(pairs) for each in pair} - {payment_id}


def open_entries(db: Session, snapshot_id: UUID) -> int:
    """How many entries by hand stand beside what a processor reported of the same booking, or of
    the same customer within a month, where this payout pays one of the two and no person has called
    them different: both may be paid.
    """
    reported, lines = aliased(Payment), PayoutSnapshotDetail
    is_paid_now = exists().where(
        lines.snapshot_id == snapshot_id,
        lines.payment_id.in_([Payment.id, reported.id]),
        lines.held_back.is_(None),
        lines.amount > 0,
    )
    of_one_event = (reported.organization_id == Payment.organization_id) & (
        reported.event_id == Payment.event_id
    )
    beside = (
        select(Payment.id)
        .join(reported, of_one_event)
        .outerjoin(PaymentPair, _word_on(reported))
        .where(Payment.connection_id.is_(None), reported.connection_id.is_not(None))
        .where(_may_be_one(reported), is_paid_now)
    )
    near = _possible_pairs(reported, Payment.id, where=[is_paid_now]).where(_may_be_one(reported))
    entries = union(beside, near).subquery()
    return db.scalars(select(func.count()).select_from(entries)).one()


def _may_be_one(reported: type[Payment]) -> ColumnElement[bool]:
    """Whether an entry counts beside what a processor ``reported``, and a person has to say whether
    it is the same money. Where they have called it so, and the entry counts all the same, the
    processor's has failed or is taken by another entry. What is taken is asked about where the
    amounts are the same: two forms may be about one card.
    """
    taken = aliased(Payment)
    is_taken = exists().where(
        taken.organization_id == reported.organization_id,
        taken.superseded_by_id == reported.id,
        taken.connection_id.is_(None),
    )
    is_alike = tuple_(Payment.amount, Payment.currency) == tuple_(
        reported.amount, reported.currency
    )
    verdict = func.coalesce(PaymentPair.verdict, PairVerdict.OPEN)
    is_called_one = verdict.in_([PairVerdict.SAME, PairVerdict.COUNTED])
    is_open = and_(reported.counts, or_(~is_taken, is_alike), verdict == PairVerdict.OPEN)
    return and_(Payment.counts, or_(is_called_one, is_open))


def _word_on(reported: type[Payment]) -> ColumnElement[bool]:
    """What was decided of the entry and what a processor reported."""
    return and_(
        PaymentPair.organization_id == Payment.organization_id,
        PaymentPair.entered_id == Payment.id,
        PaymentPair.reported_id == reported.id,
    )


def _possible_pairs(
    reported: type[Payment], *columns: Any, where: Sequence[Any] = ()
) -> Select[Any]:
    """Entries by hand beside what processors reported within a month of the same customer, under
    any address that the caller may know of, or on the same event. Each way in which two payments
    are alike is a query of its own, which the database answers by an index.
    """
    one, other = aliased(ContactEmail), aliased(ContactEmail)
    both = (
        (reported.organization_id == Payment.organization_id)
        & reported.connection_id.is_not(None)
        & reported.deleted_at.is_(None)
    )
    entries = select(Payment.id.label("entered_id"), reported.id.label("reported_id")).where(
        Payment.connection_id.is_(None), Payment.deleted_at.is_(None), *where
    )
    by_contact = (
        entries.join(
            one,
            (one.organization_id == Payment.organization_id)
            & (one.email_normalized == Payment.customer_email_normalized),
        )
        .join(
            other,
            (other.organization_id == one.organization_id) & (other.contact_id == one.contact_id),
        )
        .join(reported, both & (reported.customer_email_normalized == other.email_normalized))
    )
    alike = union(
        *(
            entries.join(reported, both & same)
            for same in (
                reported.customer_email_normalized == Payment.customer_email_normalized,
                reported.event_id == Payment.event_id,
                reported.id == Payment.superseded_by_id,
            )
        ),
        by_contact,
    ).subquery()
    return (
        select(*columns)
        .select_from(alike)
        .join(Payment, _is(Payment, alike.c.entered_id))
        .join(reported, _is(reported, alike.c.reported_id))
        .outerjoin(
            Event,
            (Event.organization_id == Payment.organization_id) & (Event.id == Payment.event_id),
        )
        .outerjoin(PaymentPair, _word_on(reported))
        .where(
            or_(
                _distance(reported) < PAIRS_WITHIN_DAYS * 86400,
                reported.id == Payment.superseded_by_id,
            )
        )
    )


def _is(table: type[Payment], payment_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    return (table.organization_id == func.app.cur_org()) & (table.id == payment_id)


def _distance(reported: type[Payment]) -> ColumnElement[Any]:
    """Seconds between the processor's payment and the entry or its event, whichever is nearer."""
    return func.least(
        func.abs(func.extract("epoch", reported.payment_date - Payment.payment_date)),
        func.abs(func.extract("epoch", reported.payment_date - Event.scheduled_at)),
    )
