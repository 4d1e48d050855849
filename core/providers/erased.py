"""Taking people who were erased out of what a provider says, before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.bookings.models import BookingSettings
from core.people.erasure import mention_erased, without_erased
from core.providers import registry
from core.tenancy.organizations.queries import settings_of


def without_erased_people(db: Session, payloads: Sequence[Any]) -> list[Any]:
    """Each payload itself, or a copy without the personal data of those whom it mentions and who
    were erased. Needs the system's identity.
    """
    asked, fields = settings_of(db, BookingSettings).setter_question, registry.person_fields()
    return [
        without_erased(db, payload, fields, kept_question=asked) if mentions else payload
        for payload, mentions in zip(payloads, mention_erased(db, payloads), strict=True)
    ]
