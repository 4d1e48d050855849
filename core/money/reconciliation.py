"""Reconciliation: money that was entered by hand and reported by a processor is one payment. What
a person decides of two payments is stored here; which others are the same money is computed with
their attribution (``functions/same_money.sql``).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from core.money.attribution import attribute, checked_reason, payment_to_decide
from core.money.models import PairVerdict, Payment, PaymentPair
from core.platform.clock import now
from core.platform.errors import Conflict, InvalidInput
from core.platform.money import shown
from core.platform.notation import notation
from core.tenancy.access.viewers import Viewer


def decide_pair(
    db: Session,
    entered_id: UUID,
    reported_id: UUID,
    verdict: PairVerdict,
    by: Viewer,
    reason: str,
) -> None:
    """Decide whether a payment that was entered by hand and one that a processor reported are the
    same money. Of the same money the processor's record counts, whatever the amounts; ``OPEN``
    takes an earlier decision back. What a payout has counted as one stays one until it is called
    ``DIFFERENT``.

    Raises:
        NotFound: no such payment for ``by``.
        InvalidInput: no reason was given, or the payments are not one of each.
        Conflict: a payout has counted one of the two as the same money as a third.
        NotAllowed: ``by`` is no manager.
    """
    why = checked_reason(by, reason)
    entered, reported = payment_to_decide(db, entered_id), payment_to_decide(db, reported_id)
    _check_one_of_each(entered, reported)
    if verdict == PairVerdict.SAME:
        _check_not_counted_otherwise(db, entered_id, reported_id)
    decision = {
        "verdict": verdict,
        "decided_at": now(),
        "decided_by": by.user_id,
        "reason": why,
    }
    pair = insert(PaymentPair).values(
        organization_id=entered.organization_id,
        entered_id=entered_id,
        reported_id=reported_id,
        **decision,
    )
    db.execute(
        pair.on_conflict_do_update(
            index_elements=["organization_id", "entered_id", "reported_id"],
            set_=decision | _what_stays_counted(verdict, by),
        )
    )
    attribute(db, entered, reported)


def _what_stays_counted(verdict: PairVerdict, by: Viewer) -> dict[str, ColumnElement[Any]]:
    """What of a pair that a payout has counted as one is not as a person says: ``SAME`` confirms
    it, and ``OPEN`` takes that back.
    """
    if verdict == PairVerdict.DIFFERENT:
        return {}
    is_counted = PaymentPair.verdict == PairVerdict.COUNTED
    stays: dict[str, ColumnElement[Any]] = {
        "verdict": case((is_counted, PairVerdict.COUNTED), else_=verdict)
    }
    if verdict == PairVerdict.OPEN:
        stays["decided_at"] = case((is_counted, PaymentPair.decided_at), else_=now())
        stays["decided_by"] = case((is_counted, null()), else_=by.user_id)
    return stays


def _check_not_counted_otherwise(db: Session, entered_id: UUID, reported_id: UUID) -> None:
    """A payout has paid what it counted as one. If one of the two were joined with another, the
    other would be paid again.
    """
    entered, reported = aliased(Payment), aliased(Payment)
    counted = (
        select(entered.payment_date, entered.amount, entered.currency)
        .join(PaymentPair, PaymentPair.entered_id == entered.id)
        .join(reported, reported.id == PaymentPair.reported_id)
        .where(PaymentPair.verdict == PairVerdict.COUNTED, entered.superseded_by_id == reported.id)
        .where((entered.id == entered_id) != (reported.id == reported_id))
    )
    other = db.execute(counted.order_by(entered.payment_date)).first()
    if other is not None:
        raise Conflict(
            "A payout has counted one of the two as the same money as another payment: the"
            f" {shown(other.amount, other.currency)} entered by hand on"
            f" {notation().day(other.payment_date)}. Say first that those two are"
            " different."
        )


def hand_over_words(db: Session, reported_id: UUID, successor_id: UUID) -> None:
    """Another record of a processor stands for this one from now on: what was decided of this one
    holds for that one, unless something was decided of that one already.
    """
    known = aliased(PaymentPair)
    is_known = exists().where(
        known.organization_id == PaymentPair.organization_id,
        known.entered_id == PaymentPair.entered_id,
        known.reported_id == successor_id,
    )
    db.execute(
        update(PaymentPair)
        .where(PaymentPair.reported_id == reported_id, ~is_known)
        .values(reported_id=successor_id)
    )


def _check_one_of_each(entered: Payment, reported: Payment) -> None:
    if entered.connection_id is not None or reported.connection_id is None:
        raise InvalidInput(
            "One of the two must be entered by hand and the other reported by a processor."
        )
