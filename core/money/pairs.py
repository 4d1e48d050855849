"""Which payments may be records of the same money, and what was decided of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    null,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import Session, aliased

from core.bookings.models import Event
from core.money.models import PairVerdict, Payment, PaymentPair, PayoutSnapshotDetail
from core.people.models import ContactEmail
from core.people.visibility import persons_are_hidden, visible
from core.platform.dataframes import fetched

if TYPE_CHECKING:
    import pandas as pd

PAIRS_WITHIN_DAYS = 30  # what lies further apart is not offered as the same money


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
