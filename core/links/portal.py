"""The rep portal: a closer's forms, filed by whoever holds the closer's link."""

from __future__ import annotations

from uuid import UUID

from core.bookings.form_answers import FormAnswers
from core.bookings.forms import event_for_form
from core.links.access_links import Visitor
from core.money.form_filing import file_form
from core.platform.errors import Conflict


def file_form_through_link(visitor: Visitor, event_id: UUID, answers: FormAnswers) -> None:
    """File a form that is missing, for whoever holds the portal link of the call's closer.

    Raises:
        NotAllowed: the link has ended, or the call is another closer's.
        Conflict: the form was filed already (a link corrects nothing), or there is no call to
        report.
        FormProblems: answers that cannot stand, field by field.
    """
    with visitor.transaction(event_id) as db:
        if event_for_form(db, event_id, visitor).pcf_submitted:
            raise Conflict(
                "The form of this booking was filed already. To correct it, sign in or ask a"
                " manager."
            )
        file_form(db, event_id, answers, visitor)
