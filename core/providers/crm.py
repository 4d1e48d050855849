"""The outbox's way to a CRM: what an event's post-call form says becomes a note on the contact.

A push may be repeated at any point: the note carries a mark, by which it is found and edited in
place of adding another, also when the answer to adding it was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.bookings.crm_outbox import CHANNEL
from core.bookings.form_answers import QUESTIONS
from core.bookings.forms import answers_of, form_of
from core.bookings.models import Event, PostCallForm
from core.bookings.questions import Kind
from core.deliveries.channels import Channel, Send, register
from core.deliveries.models import KeyStatus, OrganizationIntegration, OutboxMessage
from core.platform.advisory_locks import lock_books, try_advisory_lock
from core.platform.database import as_system, organization_id_of
from core.platform.errors import (
    AuthenticationFailed,
    Conflict,
    Misconfigured,
    NotFound,
    RateLimited,
    SalesOpsError,
)
from core.providers import registry
from core.providers.client import Client, RetryPolicy
from core.providers.credentials import client_of
from core.providers.integrations import Access, access_to
from core.providers.provider import Crm

RETRIES = RetryPolicy(timeout_s=10.0, tries=2, longest_pause_s=5.0)
LOOKED_AT_AGAIN_S = 5
WITHDRAWN = "The post-call form was withdrawn."
# Ids of the organisation's own lists say nothing elsewhere, and the currency stands at the amount.
UNSAID = {Kind.ENTRY, Kind.CURRENCY}


@dataclass(frozen=True)
class Push:
    """One event's form on its way to one CRM."""

    organization_id: UUID
    event_id: UUID
    crm: str
    access: Access


@dataclass(frozen=True)
class _Said:
    """The text of the note. ``words`` are None for an event without a form."""

    contact_id: str | None
    email: str | None
    words: str | None


def _prepare(db: Session, message: OutboxMessage) -> Send:
    crm = message.body["crm"]
    label = registry.provider(crm).label
    key = select(OrganizationIntegration).where(OrganizationIntegration.provider == crm)
    integration = db.scalars(key).first()
    access = access_to(db, crm)
    if integration is None or access is None:
        raise NotFound(f"No key of {label} is stored: enter one on Integrations.")
    if integration.status == KeyStatus.REFUSED:
        raise Conflict(f"{label} is not asked, since its key was refused: {integration.last_error}")
    event_id = UUID(message.body["event_id"])
    return partial(_push, Push(organization_id_of(db), event_id, crm, access))


def _push(push: Push) -> None:
    """Raises what ``Client.request`` raises; RateLimited while another run pushes this event, and
    NotFound when there is no contact.
    """
    # The transaction stays open while the CRM is asked: it holds nothing but this lock, which is
    # given back when the worker dies.
    with as_system(push.organization_id) as held:
        if not try_advisory_lock(held, f"crm {push.event_id}", 1):
            raise RateLimited(
                "This booking is being sent to the CRM.", retry_after_s=LOOKED_AT_AGAIN_S
            )
        crm = _crm_of(push.crm)
        said = _said(held, push.event_id, crm)
        values = push.access.settings
        with client_of(push.crm, push.access.secret, values, RETRIES) as client:
            contact_id = said.contact_id or _linked(push, crm, client, said.email)
            _write_note(push, crm, client, contact_id, said.words)


def _crm_of(name: str) -> Crm:
    crm = registry.provider(name).crm
    if crm is None:
        raise Misconfigured(f"Post-call forms cannot be sent to {registry.provider(name).label}.")
    return crm


def _said(db: Session, event_id: UUID, crm: Crm) -> _Said:
    event = db.scalars(select(Event).where(Event.id == event_id)).first()
    if event is None:
        raise NotFound("There is no such booking any more.")
    form = None if event.deleted_at else form_of(db, event_id)
    words = None if form is None else _words_of(form)
    return _Said(getattr(event, crm.link), event.lead_email_normalized, words)


def _linked(push: Push, crm: Crm, client: Client, email: str | None) -> str:
    """The contact's id, from now on also at the event."""
    if email is None:
        raise NotFound("The booking has no e-mail address to find the contact by.")
    contact_id = crm.find_contact(client, push.access.settings, email)
    if contact_id is None:
        raise NotFound(f"{client.provider} has no contact with the lead's e-mail address.")
    with as_system(push.organization_id) as db:
        lock_books(db)
        db.execute(update(Event).where(Event.id == push.event_id).values({crm.link: contact_id}))
    return contact_id


def _write_note(push: Push, crm: Crm, client: Client, contact_id: str, words: str | None) -> None:
    mark = f"Booking {push.event_id}"
    note_id = crm.find_note(client, contact_id, mark)
    if note_id is None and words is None:
        return
    shown = (words or WITHDRAWN)[: crm.longest_note - len(mark) - 2]
    whole = f"{shown}\n\n{mark}"
    if note_id is None:
        crm.add_note(client, contact_id, whole)
    else:
        crm.edit_note(client, contact_id, note_id, whole)


def _words_of(form: PostCallForm) -> str:
    answers = answers_of(form)
    lines = [
        f"{each.label}: {_in_words(answers[each.key], form)}"
        for each in QUESTIONS
        if each.kind not in UNSAID and answers[each.key] not in (None, [], "")
    ]
    return "\n".join(["Post-call form", *lines])


def _in_words(value: object, form: PostCallForm) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is form.cash_collected:
        return f"{value} {form.currency or ''}".strip()
    return str(getattr(value, "label", value))


def _stop(db: Session, message: OutboxMessage, error: SalesOpsError) -> None:
    """A key that is refused is not used again until it is replaced or verified."""
    if isinstance(error, AuthenticationFailed):
        db.execute(
            update(OrganizationIntegration)
            .where(OrganizationIntegration.provider == message.body["crm"])
            .values(status=KeyStatus.REFUSED, last_error=error.message)
        )


register(Channel(CHANNEL, _prepare, is_repeatable=lambda _: True, on_refusal=_stop))
