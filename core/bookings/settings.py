"""Settings of bookings."""

from __future__ import annotations

from core.bookings.models import BookingSettings, UtmField
from core.tenancy.organizations.settings import Setting, SettingsGroup

_MATCHED = "Bookings that are here already keep their setter."
BOOKINGS = SettingsGroup(
    "Bookings",
    BookingSettings,
    (
        Setting(
            "pcf_grace_hours",
            "Form is overdue after",
            "number",
            "How long a closer has for the post-call form.",
            "Applies at once, also to bookings that are waiting for their form.",
            "hours after the meeting",
            1,
            720,
        ),
        Setting(
            "late_cancel_hours",
            "A cancellation is late within",
            "number",
            "Cancelled so shortly before, a booking counts as late.",
            "Applies to bookings that are made, cancelled or reported on from now on.",
            "hours before the meeting",
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
            "A question of the booking form, word for word; asked when the tracking field is"
            " empty.",
            _MATCHED,
            empty="no question",
        ),
    ),
)
