"""The post-call form: which answers are valid, who may file it, and how the event stands
afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.bookings.custom_answers import (
    checked_answers,
    currencies_of,
    custom_answers,
    store_answers,
)
from core.bookings.design import FormDesign
from core.bookings.designs import current_design
from core.bookings.form_answers import QUESTIONS, FormAnswers, problems_of
from core.bookings.models import (
    GONE,
    BookingSettings,
    CallStatus,
    Event,
    ListEntry,
    Package,
    Party,
    PcfDraft,
    PostCallForm,
)
from core.bookings.questions import Kind, Question
from core.bookings.status import settle_status
from core.platform.clock import now
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.tenancy.access.models import OrganizationMember
from core.tenancy.access.viewers import FormFiler, Viewer
from core.tenancy.organizations.queries import current_organization, settings_of


class FormProblems(InvalidInput):
    """The answers are invalid; ``problems`` says why, field by field."""

    def __init__(self, problems: dict[str, str]) -> None:
        first = next(iter(problems))
        super().__init__(problems[first], field=first)
        self.problems = problems


class FormChanged(Conflict):
    """Somebody else has filed or withdrawn the form since it was read; ``version`` is what stands
    by now, 0 for none, and ``filed`` its answers by question.
    """

    def __init__(
        self, form: PostCallForm | None, who: str | None, custom: Mapping[str, Any]
    ) -> None:
        self.version, self.filed = (form.version if form else 0), {**answers_of(form), **custom}
        super().__init__(
            f"{who or 'Somebody else'} has filed this form while you were filling it in."
            if form
            else "This form was withdrawn while you were filling it in."
        )


@dataclass(frozen=True)
class Draft:
    """Answers to go on from (JSON values), and the version of the form that they replace, 0 for a
    form that was not filed.
    """

    answers: dict[str, Any]
    form_version: int = 0


def check(
    db: Session,
    answers: FormAnswers,
    event: Event,
    design: FormDesign,
    custom: Mapping[str, Any],
) -> dict[str, Any]:
    """The organisation's own answers as they are stored. Raises FormProblems when one answer rules
    out another, when one is missing, or the meeting has not started yet.
    """
    problems = problems_of(answers)
    currency = answers.currency or current_organization(db).currency
    stored, wrong = checked_answers(design, answers, custom, currency)
    unanswered = design.missing(asdict(answers) | stored)
    problems |= {key: each for key, each in unanswered.items() if _can_be_answered(db, key)}
    problems |= wrong
    if answers.call_occurred and event.scheduled_at > now():
        problems["call_occurred"] = (
            "This meeting has not started yet, so it cannot be reported as held."
        )
    if problems:
        raise FormProblems(problems)
    return stored


def _can_be_answered(db: Session, key: str) -> bool:
    """Whether there is anything to choose from, where an answer is an entry of a list."""
    asked = next((each for each in QUESTIONS if each.key == key), None)
    if asked is None or asked.kind not in (Kind.ENTRY, Kind.NAMES):
        return True
    lists = asked.lists or tuple(ask.listed for ask in asked.asks if ask.listed)
    offered = select(ListEntry.id).where(ListEntry.kind.in_(lists), ListEntry.active)
    packages = select(Package.id).where(Package.active)
    return db.scalars((offered if lists else packages).limit(1)).first() is not None


def _check_choices(db: Session, answers: FormAnswers) -> None:
    """Raises FormProblems for an id that is not on the organisation's own list."""
    entries = [each for each in QUESTIONS if each.kind == Kind.ENTRY]
    chosen = {each: getattr(answers, each.key) for each in entries}
    unknown = [
        each.key
        for each, entry_id in chosen.items()
        if entry_id is not None and db.scalars(_entry(each, entry_id)).first() is None
    ]
    if unknown:
        raise FormProblems(
            dict.fromkeys(unknown, "This is not on your organisation's list; choose another.")
        )


def _entry(asked: Question, entry_id: UUID) -> Select[UUID]:
    if not asked.lists:
        return select(Package.id).where(Package.id == entry_id)
    return select(ListEntry.id).where(ListEntry.id == entry_id, ListEntry.kind.in_(asked.lists))


def event_for_form(db: Session, event_id: UUID, by: FormFiler) -> Event:
    """The event whose form ``by`` may file, locked until the transaction ends.

    Raises:
        NotFound: no such event, or none that ``by`` sees.
        NotAllowed: ``by`` is neither the event's closer nor a manager.
        Conflict: the booking was cancelled or moved before its time, so there is no meeting to
        report on.
    """
    wanted = select(Event).where(Event.id == event_id, Event.deleted_at.is_(None)).with_for_update()
    event = db.scalars(wanted.execution_options(populate_existing=True)).first()
    if event is None:
        raise NotFound("There is no such booking.")
    if not by.may_file(event.closer_id, event.closer_user_id):
        raise NotAllowed("Only the booking's closer or a manager files its form.")
    if event.call_status in GONE:
        if event.call_status == CallStatus.RESCHEDULED:
            raise Conflict("This booking was moved; file the form of the new one.")
        raise Conflict("This booking was cancelled; there is nothing to report.")
    return event


def save_form(
    db: Session,
    event: Event,
    answers: FormAnswers,
    by: FormFiler,
    *,
    at: datetime | None = None,
    replaces: int | None = None,
    custom: Mapping[str, Any] | None = None,
) -> PostCallForm:
    """File the form of ``event`` (from ``event_for_form``); filing again replaces the answers and
    counts a version. ``replaces`` is the version that the answers were made over, 0 for none, and
    None for whatever is there.
    ``custom`` are the answers to the organisation's own questions by key; None leaves them as they
    are. The form is one of the present design from then on; answers to questions that this no
    longer asks stay.

    The earlier answers stay in the audit log; ``at``, when it was first filed, stays too. Raises
    FormProblems, and FormChanged where another version stands by now.
    """
    design = current_design(db)
    given = custom_answers(db, event.id) if custom is None else custom
    stored = check(db, answers, event, design, given)
    _check_choices(db, answers)
    known = form_of(db, event.id)
    if replaces is not None and replaces != (known.version if known else 0):
        raise FormChanged(known, _name_of(db, known), custom_answers(db, event.id))
    form = known or PostCallForm(
        organization_id=event.organization_id, event_id=event.id, version=0
    )
    if answers.follow_up_on != form.follow_up_on:
        form.followed_up_at = form.followed_up_by = None
    for name, value in asdict(answers).items():
        setattr(form, name, value)
    if not answers.lead_showed:
        missing = answers.no_show_party or (Party.GUEST if answers.call_occurred else None)
        form.no_show_party = Party(missing) if missing else None
    form.version += 1
    form.config_version = design.version
    form.submitted_at = form.submitted_at or at or now()
    form.submitted_by = by.user_id
    db.add(form)
    db.flush()
    currency = answers.currency or current_organization(db).currency
    store_answers(db, event.id, design, stored, currencies_of(design, given, currency))
    _settle(db, event, form)
    db.execute(
        delete(PcfDraft).where(PcfDraft.event_id == event.id, PcfDraft.user_id == by.user_id)
    )
    return form


def form_of(db: Session, event_id: UUID) -> PostCallForm | None:
    """The event's form, if it was filed."""
    return db.scalars(select(PostCallForm).where(PostCallForm.event_id == event_id)).first()


def answers_of(form: PostCallForm | None) -> dict[str, Any]:
    """What a form answers, by question; nothing where there is none."""
    return {each.key: getattr(form, each.key) for each in QUESTIONS} if form else {}


def _name_of(db: Session, form: PostCallForm | None) -> str | None:
    """Who has filed the form, where the reader may know them."""
    if form is None or form.submitted_by is None:
        return None
    member = OrganizationMember.user_id == form.submitted_by
    return db.scalars(select(OrganizationMember.name).where(member)).first()


def _settle(db: Session, event: Event, form: PostCallForm | None) -> None:
    settle_status(event, form, settings_of(db, BookingSettings).late_cancel_hours)
    db.flush()


def save_draft(db: Session, event_id: UUID, draft: Draft, by: Viewer) -> None:
    """Save a half-filled form for ``by``, in place of an earlier draft."""
    changed = {"answers": draft.answers, "form_version": draft.form_version, "saved_at": now()}
    values = {
        "organization_id": by.organization_id,
        "event_id": event_id,
        "user_id": by.user_id,
    }
    saved = insert(PcfDraft).values(values | changed)
    db.execute(
        saved.on_conflict_do_update(
            index_elements=["organization_id", "event_id", "user_id"], set_=changed
        )
    )


def load_draft(db: Session, event_id: UUID, by: Viewer) -> Draft:
    """The draft of ``by``; without one the filed answers; without those nothing."""
    draft = db.execute(
        select(PcfDraft.answers, PcfDraft.form_version).where(
            PcfDraft.event_id == event_id, PcfDraft.user_id == by.user_id
        )
    ).first()
    if draft is not None:
        return Draft(*draft)
    form = form_of(db, event_id)
    answers = answers_of(form) | custom_answers(db, event_id)
    return Draft(answers, form.version if form else 0)


def forget_draft(db: Session, event_id: UUID, by: Viewer) -> None:
    """Drop the draft of ``by``, if there is one."""
    db.execute(
        delete(PcfDraft).where(PcfDraft.event_id == event_id, PcfDraft.user_id == by.user_id)
    )
