"""Filing a post-call form, whose cash becomes a payment, in one transaction under the identity of
whoever files it.

The payment itself is written by the database (``functions/form_cash.sql``): a rep files a form also
when a manager has given its cash to somebody else's event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from core.bookings.crm_outbox import post_form
from core.bookings.custom_answers import forget_answers
from core.bookings.form_answers import FormAnswers
from core.bookings.forms import event_for_form, form_of, save_form
from core.bookings.models import BookingSettings, Event, PostCallForm
from core.bookings.status import settle_status
from core.money.attribution import attribute_event, attribute_events
from core.people.timeline import Line, add_lines, note
from core.platform.advisory_locks import lock_books
from core.platform.errors import NotAllowed, NotFound
from core.tenancy.access.viewers import FormFiler
from core.tenancy.organizations.queries import settings_of


@dataclass(frozen=True)
class Filing:
    """The answers on the form of an event; ``at`` is when it was filed, by default now, and
    ``replaces`` the version that they were made over, 0 for none, None for whatever is there.
    ``custom`` are the answers to the organisation's own questions by key, None for those that are
    there.
    """

    event_id: UUID
    answers: FormAnswers
    at: datetime | None = None
    replaces: int | None = None
    custom: Mapping[str, Any] | None = None


def file_form(
    db: Session,
    event_id: UUID,
    answers: FormAnswers,
    by: FormFiler,
    *,
    at: datetime | None = None,
    replaces: int | None = None,
    custom: Mapping[str, Any] | None = None,
) -> PostCallForm:
    """File or correct the form of one event: the answers, the event's status that follows from
    them, and the cash as a payment. See ``Filing``.

    The cash is one payment per form, however often the form is corrected. It is attributed at once
    with the customer's other payments, and counts once when a processor has reported it too.

    Raises:
        NotFound, NotAllowed, Conflict: see ``core.bookings.forms.event_for_form``.
        FormChanged: another version than ``replaces`` stands by now.
        FormProblems: invalid answers, field by field.
    """
    [form] = file_forms(db, [Filing(event_id, answers, at, replaces, custom)], by)
    return form


def file_forms(db: Session, filings: Sequence[Filing], by: FormFiler) -> list[PostCallForm]:
    """The same for several events, whose cash is attributed together."""
    forms, lines = [], []
    for filing in filings:
        event = event_to_report(db, filing.event_id, by)
        forms.append(
            save_form(
                db,
                event,
                filing.answers,
                by,
                at=filing.at,
                replaces=filing.replaces,
                custom=filing.custom,
            )
        )
        post_form(db, event.id, forms[-1].id, f"v{forms[-1].version}")
        verb = "filed" if forms[-1].version == 1 else "corrected"
        lines.append(
            Line(
                "pcf",
                "event",
                event.id,
                f"Form {verb} {by.signature}",
                contact_id=event.contact_id,
                actor_user_id=by.user_id,
                detail={"form_id": str(forms[-1].id)},
            )
        )
    add_lines(db, lines)
    attribute_events(db, [filing.event_id for filing in filings])
    return forms


def withdraw_form(db: Session, event_id: UUID, by: FormFiler) -> None:
    """Withdraw a form: the event is pending again, and its cash no longer counts.

    Raises:
        NotFound: there is no form to withdraw, or none that ``by`` sees.
        NotAllowed, Conflict: see ``core.bookings.forms.event_for_form``.
    """
    event = event_to_report(db, event_id, by)
    form = form_of(db, event_id)
    if form is None:
        raise NotFound("No form was filed for this booking.")
    mine = delete(PostCallForm).where(PostCallForm.id == form.id).returning(PostCallForm.id)
    if db.scalars(mine).first() is None:
        raise NotAllowed("Only the booking's closer or a manager withdraws its form.")
    post_form(db, event_id, form.id, "withdrawn")
    forget_answers(db, event.id)
    settle_status(event, None, settings_of(db, BookingSettings).late_cancel_hours)
    note(
        db,
        "pcf",
        "event",
        event.id,
        f"Form withdrawn {by.signature}",
        contact_id=event.contact_id,
        actor_user_id=by.user_id,
        detail={"form_id": str(form.id)},
    )
    attribute_event(db, event.id)


def event_to_report(db: Session, event_id: UUID, by: FormFiler) -> Event:
    """``core.bookings.forms.event_for_form``, after the lock on the books: whoever attributes
    payments holds that first and then refers to events.
    """
    lock_books(db)
    return event_for_form(db, event_id, by)
