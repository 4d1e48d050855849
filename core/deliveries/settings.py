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
            "Keep raw deliveries and recording links",
            "number",
            "What providers sent, and links to meeting recordings. Older ones are removed; bookings"
            " and payments stay.",
            "Older deliveries can no longer be retried. What is removed cannot be restored, not"
            " even from the audit log.",
            "days",
            7,
            3650,
            "without a time limit",
        ),
    ),
)
