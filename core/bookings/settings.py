"""Settings of bookings."""

from __future__ import annotations

from core.bookings.models import BookingSettings, PrimaryCrm, UtmField
from core.tenancy.organizations.settings import Setting, SettingsGroup

_MATCHED = "Existing bookings keep their setter."
BOOKINGS = SettingsGroup(
    "Bookings",
    BookingSettings,
    (
        Setting(
            "pcf_grace_hours",
            "Form is overdue after",
            "number",
            "How long closers have to file the post-call form.",
            "Applies immediately, also to bookings without a form so far.",
            "hours after the meeting",
            1,
            720,
        ),
        Setting(
            "late_cancel_hours",
            "Late cancellation",
            "number",
            "Bookings cancelled this shortly before the meeting count as late cancellations.",
            "Applies to bookings that are created, cancelled or updated from now on.",
            "hours before the meeting",
            0,
            720,
        ),
        Setting(
            "duplicate_hours",
            "Possible duplicates",
            "number",
            "Two bookings of one person this close together are listed as possible duplicates.",
            "Applies immediately. Nothing is merged before a manager says so.",
            "hours between the meetings",
            0,
            720,
        ),
        Setting(
            "setter_utm_field",
            "Field with the setter's name",
            "choice",
            "The tracking field of booking links that names the setter.",
            _MATCHED,
            choices=tuple(UtmField),
        ),
        Setting(
            "setter_question",
            "Question with the setter's name",
            "text",
            "The exact text of a question in the booking form. Used when the tracking field is"
            " empty.",
            _MATCHED,
            empty="no question",
        ),
        Setting(
            "primary_crm",
            "CRM",
            "choice",
            "Each post-call form becomes a note on the lead's contact there.",
            "Applies to forms that are filed, corrected or withdrawn from now on.",
            choices=tuple(PrimaryCrm),
        ),
    ),
)
