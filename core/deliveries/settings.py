"""Settings for how long data from providers is stored."""

from __future__ import annotations

from core.deliveries.models import DeliverySettings
from core.tenancy.organizations.settings import Setting, SettingsGroup

PERSONAL_DATA = SettingsGroup(
    "Personal data",
    DeliverySettings,
    (
        Setting(
            "raw_delivery_days",
            "Keep raw deliveries and links to recordings for",
            "number",
            "What providers sent, word for word, and where meetings were recorded. Older ones are"
            " emptied; bookings and payments stay.",
            "Older deliveries cannot be processed again; what is gone does not come back, from the"
            " audit log neither.",
            "days",
            7,
            3650,
            "for good",
        ),
    ),
)
