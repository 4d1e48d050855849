"""Attribution: which event a payment belongs to, which closer, setter and source follow from it,
and the reason.

The database computes it from the stored facts (``functions/attribution.sql``), for any set of
payments and whoever asks. What a person decides is stored as such, and the computation follows in
the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, cast, func, select, update
from sqlalchemy.orm import Session

from core.bookings import tasks
from core.bookings.models import Event
from core.money.models import Payment
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.errors import InvalidInput, NotAllowed, NotFound
from core.platform.names import check_sentence
from core.platform.normalization import normalize_email
from core.platform.tasks import implements, task
from core.tenancy.access.viewers import Viewer


@task()
def attribute_payment(db: Session, payment_id: UUID) -> None:
    """Find out anew whose payment it is."""
    attribute_ids(db, [payment_id])


@implements(tasks.attribute_events)
def attribute_events(db: Session, event_ids: list[UUID]) -> None:
    """Events are new, moved, cancelled or have other people: attribute every payment that they may
    concern anew.
    """
    lock_books(db)
    db.flush()
    db.execute(select(func.app.attribute_events(_ids(event_ids))))
    _forget_payments(db)


@implements(tasks.attribute_event)
def attribute_event(db: Session, event_id: UUID) -> None:
    """The same for one event."""
    attribute_events(db, [event_id])


def attribute_contact(db: Session, contact_id: UUID, addresses: Collection[str] = ()) -> None:
    """A contact has other addresses or bookings: attribute every payment that they may concern
    anew, and those of ``addresses``, which may be the contact's no longer.
    """
    lock_books(db)
    db.flush()
    known = cast(list(filter(None, map(normalize_email, addresses))), ARRAY(Text))
    db.execute(select(func.app.attribute_contacts(_ids([contact_id]), known)))
    _forget_payments(db)


@task(cron="40 2 * * *")
def attribute_all(db: Session) -> None:
    """Attribute all of the organisation's payments anew. Settings and better rules of a newer
    version reach the payments that nothing else touches.
    """
    lock_books(db)
    db.execute(select(func.app.attribute_all()))
    _forget_payments(db)


def attribute(db: Session, *payments: Payment) -> None:
    """Set event, closer, setter, source, method and reason of ``payments``, match them with
    payments entered by hand that are the same money, and bring the payments that follow them along.
    """
    db.flush()
    attribute_ids(db, [payment.id for payment in payments])


def attribute_ids(db: Session, payment_ids: Collection[UUID]) -> None:
    """The same for the payments with these ids."""
    lock_books(db)
    db.flush()
    db.execute(select(func.app.attribute_payments(_ids(payment_ids))))
    _forget_payments(db)


def _ids(ids: Collection[UUID]) -> object:
    return cast(list(ids), ARRAY(Uuid))


def _forget_payments(db: Session) -> None:
    """What this session has read of payments may be old now; it is read again when needed."""
    for row in list(db.identity_map.values()):
        if isinstance(row, Payment):
            db.expire(row)


def choose_event(
    db: Session, payment_id: UUID, event_id: UUID | None, by: Viewer, reason: str
) -> None:
    """Decide that the payment belongs to this event, or with None to no event. Its people are those
    of the event, now and later, and the later payments of its membership follow.

    Raises:
        NotFound: no such payment or event for ``by``.
        InvalidInput: no reason was given.
        NotAllowed: ``by`` is no manager.
    """
    why = checked_reason(by, reason)
    payment = payment_to_decide(db, payment_id)
    if event_id is not None:
        _require_event(db, event_id)
    payment.chosen_at, payment.chosen_event_id = now(), event_id
    payment.chosen_by, payment.chosen_reason = by.user_id, why
    attribute(db, payment)


def choose_no_event(
    db: Session, payment_ids: Collection[UUID], by: Viewer, reason: str
) -> list[UUID]:
    """Decide of all these payments at once that they belong to no event. Those that have one by
    now, or a decision, stay as they are, as do those that are not there for ``by``; returns the ids
    of the payments that were decided. Raises InvalidInput and NotAllowed like ``choose_event``.
    """
    why = checked_reason(by, reason)
    lock_books(db)
    open_ones = (
        update(Payment)
        .where(
            Payment.id.in_(list(payment_ids)),
            Payment.deleted_at.is_(None),
            Payment.event_id.is_(None),
            Payment.chosen_at.is_(None),
        )
        .values(chosen_at=now(), chosen_event_id=None, chosen_by=by.user_id, chosen_reason=why)
        .execution_options(synchronize_session=False)
    )
    decided = list(db.scalars(open_ones.returning(Payment.id)))
    attribute_ids(db, decided)
    return decided


def clear_choice(db: Session, payment_id: UUID, by: Viewer) -> None:
    """Take a person's choice back, and attribute the payment automatically again. Raises NotFound
    and NotAllowed like ``choose_event``.
    """
    require_manager(by)
    payment = payment_to_decide(db, payment_id)
    payment.chosen_at = payment.chosen_event_id = None
    payment.chosen_by = payment.chosen_reason = None
    attribute(db, payment)


def adopt_address(db: Session, payment_id: UUID, event_id: UUID, by: Viewer) -> None:
    """Decide that the payment's address is one more of whoever booked the event. All that was paid
    or booked under it follows; an address that was another contact's is theirs no longer.

    Raises:
        NotFound: no such payment or event for ``by``.
        InvalidInput: the payment carries no address, or nothing is known of who booked.
        NotAllowed: ``by`` is no manager.
    """
    require_manager(by)
    payment_to_decide(db, payment_id)
    _require_event(db, event_id)
    if not db.execute(select(func.app.adopt_address(payment_id, event_id))).scalar_one():
        raise InvalidInput("There is no address to add, or the booking has no contact.")
    _forget_payments(db)


def checked_reason(by: Viewer, reason: str) -> str:
    """Why a person decides something about a payment. Raises NotAllowed and InvalidInput."""
    require_manager(by)
    why = check_sentence(reason, field="reason")
    if not why:
        raise InvalidInput(
            "Say in a few words why; the next person will want to know.", field="reason"
        )
    return why


def require_manager(by: Viewer) -> None:
    """Raises NotAllowed for who is neither a manager nor an admin."""
    if not by.is_manager:
        raise NotAllowed("Only a manager decides whose a payment is.")


def payment_to_decide(db: Session, payment_id: UUID) -> Payment:
    """The payment, locked until the transaction ends. Raises NotFound.

    The lock on the books comes first, as for everybody who writes payments, so that nobody waits
    for the other in a circle.
    """
    lock_books(db)
    wanted = (
        select(Payment)
        .where(Payment.id == payment_id, Payment.deleted_at.is_(None))
        .with_for_update()
    )
    payment = db.scalars(wanted.execution_options(populate_existing=True)).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


def _require_event(db: Session, event_id: UUID) -> None:
    if db.scalars(select(Event.id).where(Event.id == event_id)).first() is None:
        raise NotFound("There is no such booking.")
