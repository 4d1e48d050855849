"""Bookings that are merged, with their money: the cash on their forms goes where the forms go, and
all that was paid for either is attributed anew in the same transaction.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.bookings import merging
from core.money.attribution import attribute_events
from core.platform.advisory_locks import lock_books
from core.platform.errors import Conflict
from core.tenancy.access.viewers import Viewer


def merge_bookings(db: Session, kept_id: UUID, other_id: UUID, by: Viewer) -> None:
    """The two bookings are one meeting, of which the first stays; what was paid for the other, or
    under its address, is the remaining one's. Where both have a form the
    remaining one's stands, and the cash of the other's counts no longer. Raises like
    ``core.bookings.merging.merge_events``.
    """
    pair = merging.merge_events(db, kept_id, other_id, by)
    if pair.took_form:
        db.execute(select(func.app.swap_form_cash(kept_id, other_id)))
    else:
        aside = func.app.set_form_cash_aside(other_id, True)
        pair.cash_set_aside = db.execute(select(aside)).scalar_one()
    attribute_events(db, [kept_id, other_id])


def undo_merge(db: Session, other_id: UUID, by: Viewer) -> None:
    """Undo a merge, named by the booking that was merged away: forms, cash and payments are those
    of the two again.

    Raises:
        Conflict: a payout that was approved since the merge has counted payments by it.
        NotFound, NotAllowed, Conflict: see ``core.bookings.merging.separate_events``.
    """
    lock_books(db)
    if payout := counted_since(db, other_id):
        raise Conflict(refusal(payout))
    pair = merging.separate_events(db, other_id, by)
    kept_id = pair.event_id
    if pair.took_form:
        db.execute(select(func.app.swap_form_cash(kept_id, other_id)))
    if pair.cash_set_aside:
        db.execute(select(func.app.set_form_cash_aside(other_id, False)))
    attribute_events(db, [kept_id, other_id])


def refusal(payout: str) -> str:
    """Why a merge cannot be undone any more."""
    return (
        f"{payout} was approved after the merge and counts payments of this booking. The merge"
        " cannot be undone any more: what was paid out would be divided differently. Choose the"
        " right booking on each payment instead; the next payout makes up the difference."
    )


def counted_since(db: Session, other_id: UUID) -> str | None:
    """The name of the first payout that was approved after this booking was merged, and that counts
    payments of the two; None where there is none.
    """
    return db.execute(select(func.app.payout_since_merge(other_id))).scalar_one()
