"""The closer portal: a closer's forms, filed by the holder of the closer's link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.bookings.form_answers import FormAnswers
from core.links.access_links import Visitor
from core.money.form_filing import event_to_report, file_form
from core.platform.errors import Conflict


def file_form_through_link(
    visitor: Visitor,
    event_id: UUID,
    answers: FormAnswers,
    replaces: int = 0,
    custom: Mapping[str, Any] | None = None,
) -> None:
    """File a missing form, which ``replaces`` nothing, as the holder of the portal link of the
    event's closer.

    Raises:
        NotAllowed: the link has ended, or the event belongs to another closer.
        Conflict: the form was filed already and a link cannot correct it, or there is nothing to
        report on.
        FormProblems: the answers contradict each other, field by field.
    """
    with visitor.transaction(event_id) as db:
        if event_to_report(db, event_id, visitor).pcf_submitted:
            raise Conflict(
                "The form of this booking was filed already. To correct it, sign in or ask a"
                " manager."
            )
        file_form(db, event_id, answers, visitor, replaces=replaces, custom=custom)
