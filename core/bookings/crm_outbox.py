"""Post-call forms in the outbox, on their way to the organisation's CRM."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from core.bookings.models import BookingSettings, PrimaryCrm
from core.deliveries.outbox import post
from core.tenancy.organizations.queries import settings_of

CHANNEL = "crm"


def post_form(db: Session, event_id: UUID, form_id: UUID, became: str) -> None:
    """Post the form of an event to the organisation's CRM, if it has one. ``became`` names the
    change of the form.

    The message holds only ids. The job reads the form when it sends it.
    """
    crm = settings_of(db, BookingSettings).primary_crm
    if crm == PrimaryCrm.NONE:
        return
    body = {"crm": crm.value, "event_id": str(event_id)}
    post(db, CHANNEL, "post_call_form", None, body, f"crm {form_id} {became}")
