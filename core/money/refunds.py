"""The refunds and lost disputes of payments, as rows, and what of them counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core.money.models import (
    UNDONE,
    Refund,
    RefundKind,
    RefundStatus,
)
from core.money.payment_facts import TOTAL_OF, DisputeFact, PaymentFact, RefundFact

RECORDED = select(
    Refund.id,
    Refund.payment_id,
    Refund.processor_refund_id,
    Refund.amount,
    Refund.counts,
)
COUNTED = text("""
    select r.id from unnest(cast(:ids as uuid[])) i (id)
      join app.refunds r on r.organization_id = app.cur_org() and r.id = i.id
     where exists (
       select from app.payout_snapshot_details d
         join app.payout_snapshots s on s.organization_id = d.organization_id
           and s.id = d.snapshot_id
        where d.organization_id = app.cur_org() and d.payment_id = r.payment_id
          and r.id = any (d.refund_ids) and d.held_back is null and s.state <> 'draft')
""")
RENAME = text("""
    update app.refunds r set processor_refund_id = n.key
      from unnest(cast(:ids as uuid[]), cast(:keys as text[])) n (id, key)
     where r.organization_id = app.cur_org() and r.id = n.id
""")
RECORD = text("""
    insert into app.refunds as r (organization_id, payment_id, processor_refund_id, kind, currency,
      amount, status, refunded_at, reason, split_of_id)
    select app.cur_org(), n.payment_id, n.processor_refund_id, n.kind, n.currency, n.amount,
           n.status, n.refunded_at, n.reason, n.split_of_id
      from jsonb_to_recordset(cast(:refunds as jsonb)) as n (payment_id uuid,
        processor_refund_id text, kind text, currency text, amount numeric, status text,
        refunded_at timestamptz, reason text, split_of_id uuid)
    on conflict (organization_id, payment_id, processor_refund_id) do update set
      kind = excluded.kind, currency = excluded.currency, amount = excluded.amount,
      status = excluded.status, refunded_at = excluded.refunded_at, reason = excluded.reason,
      split_of_id = coalesce(excluded.split_of_id, r.split_of_id)
    where (r.kind, r.currency, r.amount, r.status, r.refunded_at, r.reason)
          is distinct from (excluded.kind, excluded.currency, excluded.amount, excluded.status,
            excluded.refunded_at, excluded.reason)
       or excluded.split_of_id is not null
""")
ADD_UP = text("""
    with sums as (
      select i.id, coalesce(sum(c.amount), 0) as amount
        from unnest(cast(:ids as uuid[])) i (id)
        left join app.counting_refunds(cast(:ids as uuid[])) c on c.payment_id = i.id
       group by i.id),
    changed as (
      update app.payments p set refund_amount = s.amount from sums s
       where p.organization_id = app.cur_org() and p.id = s.id
         and p.refund_amount is distinct from s.amount)
    select s.id, s.amount from sums s
""")


@dataclass
class Known:
    """A recorded refund; ``key`` is the processor's id."""

    id: UUID
    key: str
    amount: Decimal
    counts: bool

    @property
    def is_of_total(self) -> bool:
        return self.key.startswith(TOTAL_OF) and self.counts


@dataclass
class _Changes:
    """What is to be written of the refunds of several payments."""

    renamed: dict[UUID, str] = field(default_factory=dict)
    gone: list[UUID] = field(default_factory=list)
    recorded: dict[tuple[UUID, str], dict[str, Any]] = field(default_factory=dict)


def record_refunds(
    db: Session, payment_ids: Sequence[UUID], facts: Sequence[PaymentFact]
) -> dict[UUID, Decimal]:
    """Record the refunds and lost disputes of these payments, each of which one of the facts is
    about, and add up what has gone back of them. What was recorded before and is none any more, as
    a dispute that was won after all, is cancelled. Returns the sums, of payments that have refunds.
    """
    recorded = _recorded(db, payment_ids)
    about = [
        (payment_id, fact, recorded.get(payment_id, []))
        for payment_id, fact in zip(payment_ids, facts, strict=True)
        if payment_id in recorded or fact.refunds or fact.disputes
    ]
    if not about:
        return {}
    counted = _counted(db, [row.id for _, _, known in about for row in known if row.is_of_total])
    changes = _Changes()
    for payment_id, fact, known in about:
        _compare(changes, payment_id, fact, known, counted)
    _write(db, changes)
    sums = db.execute(ADD_UP, {"ids": [payment_id for payment_id, _, _ in about]})
    return {payment_id: amount for payment_id, amount in sums}  # noqa: C416 - rows, not pairs


def _recorded(db: Session, payment_ids: Sequence[UUID]) -> dict[UUID, list[Known]]:
    """The recorded refunds by payment, the earliest first."""
    found: dict[UUID, list[Known]] = {}
    rows = RECORDED.where(Refund.payment_id.in_(payment_ids)).order_by(Refund.refunded_at)
    for row in db.execute(rows):
        known = Known(row.id, row.processor_refund_id, row.amount, row.counts)
        found.setdefault(row.payment_id, []).append(known)
    return found


def _counted(db: Session, refund_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the refunds that payouts have counted."""
    if not refund_ids:
        return set()
    return set(db.scalars(COUNTED, {"ids": list(refund_ids)}))


def _compare(
    changes: _Changes,
    payment_id: UUID,
    fact: PaymentFact,
    known: list[Known],
    counted: set[UUID],
) -> None:
    _name_anew(changes, known, fact.refunds)
    parts = _parts_of_totals(known, fact.refunds, counted)
    rows = [_row_of_refund(fact, refund, parts.get(refund.key)) for refund in fact.refunds]
    rows += [_row_of_dispute(fact, each) for each in fact.disputes if each.is_subtracted]
    for row in rows:
        key = payment_id, str(row["processor_refund_id"])
        changes.recorded[key] = row | {"payment_id": payment_id}
    keys = {row["processor_refund_id"] for row in rows}
    changes.gone += [row.id for row in known if row.counts and row.key not in keys]


def _name_anew(changes: _Changes, known: Iterable[Known], refunds: Sequence[RefundFact]) -> None:
    """A refund that only a running total knew of stays the same row when it is reported by itself,
    or turns out to be older, so that a payout that has counted it has nothing to correct.
    """
    keys, wanted = {row.key for row in known}, {refund.key for refund in refunds}
    left = [row for row in known if row.is_of_total and row.key not in wanted]
    for refund in refunds:
        alike = (row for row in left if refund.is_remainder or row.amount == refund.amount)
        found = max(alike, key=lambda row: row.amount == refund.amount, default=None)
        if refund.key in keys or found is None:
            continue
        left.remove(found)
        found.key = changes.renamed[found.id] = refund.key


def _parts_of_totals(
    known: Sequence[Known], refunds: Sequence[RefundFact], counted: set[UUID]
) -> dict[str, UUID]:
    """By key the refunds that are reported by themselves for the first time, and of which only a
    part of a running total was known, with the row of that part: where an approved payout has
    counted it, it has counted them with it.
    """
    keys = {row.key for row in known}
    wanted = {refund.key: refund.amount for refund in refunds}
    left = {
        row.id: row.amount - wanted.get(row.key, Decimal(0))
        for row in known
        if row.is_of_total and row.id in counted
    }
    parts: dict[str, UUID] = {}
    for refund in refunds:
        is_new = refund.key not in keys and not refund.is_remainder
        held = next((id_ for id_, rest in left.items() if rest >= refund.amount), None)
        if is_new and held is not None and _status(refund.status) not in UNDONE:
            parts[refund.key] = held
            left[held] -= refund.amount
    return parts


def _row_of_refund(fact: PaymentFact, refund: RefundFact, part_of: UUID | None) -> dict[str, Any]:
    status = _status(refund.status)
    unknown = None if status == refund.status else f"“{refund.status}” at {fact.processor}"
    return {
        "kind": RefundKind.REFUND,
        "currency": fact.currency,
        "processor_refund_id": refund.key,
        "amount": refund.amount,
        "status": status,
        "refunded_at": refund.at,
        "reason": unknown or refund.reason,
        "split_of_id": part_of,
    }


def _row_of_dispute(fact: PaymentFact, dispute: DisputeFact) -> dict[str, Any]:
    return {
        "kind": RefundKind.DISPUTE,
        "currency": fact.currency,
        "processor_refund_id": dispute.key,
        "amount": dispute.amount,
        "status": RefundStatus.SUCCEEDED,
        "refunded_at": dispute.at,
        "reason": dispute.reason,
        "split_of_id": None,
    }


def _status(word: str) -> RefundStatus:
    """A refund counts unless it failed, so one in a state that nobody knows counts too."""
    return RefundStatus(word) if word in set(RefundStatus) else RefundStatus.PENDING


def _write(db: Session, changes: _Changes) -> None:
    if changes.renamed:
        renamed = {"ids": list(changes.renamed), "keys": list(changes.renamed.values())}
        db.execute(RENAME, renamed)
    if changes.recorded:
        rows = json.dumps(list(changes.recorded.values()), default=str)
        db.execute(RECORD, {"refunds": rows})
    if changes.gone:
        gone = update(Refund).where(Refund.id.in_(changes.gone), Refund.counts)
        db.execute(gone.values(status=RefundStatus.CANCELED))
