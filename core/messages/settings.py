"""The settings group of the daily posts, which are changed on a screen of their own."""

from __future__ import annotations

from core.messages.models import ReportSettings
from core.tenancy.organizations.settings import Setting, SettingsGroup

REPORTS = SettingsGroup(
    "Slack reports",
    ReportSettings,
    (
        Setting(
            "slack_report_enabled",
            "Post every day",
            "switch",
            "Yesterday's figures and the overdue forms.",
        ),
        Setting(
            "slack_report_hour",
            "From this hour on",
            "number",
            "The posts go out from then on, in the organisation's day.",
            unit="o'clock",
            most=23,
        ),
    ),
)
