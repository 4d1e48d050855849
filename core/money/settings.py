"""Settings of money."""

from __future__ import annotations

from core.money.models import MoneySettings
from core.tenancy.organizations.settings import Setting, SettingsGroup

_FROM_NOW_ON = "Applies to new payments at once, and to all others by tomorrow."
MONEY = SettingsGroup(
    "Money",
    MoneySettings,
    (
        Setting(
            "forward_attribution_days",
            "A payment may come before its booking by",
            "number",
            "A payment without an earlier booking then belongs to the first booking within these"
            " days after it.",
            _FROM_NOW_ON,
            "days",
            1,
            365,
            "never: only bookings before the payment",
        ),
        Setting(
            "reconciliation_days",
            "Cash and card payment are one within",
            "number",
            "Cash from a form and a payment from a processor, of one customer and one amount, so"
            " close together count once.",
            _FROM_NOW_ON,
            "days",
            0,
            60,
        ),
        Setting(
            "accept_test_mode",
            "Count test payments",
            "switch",
            "For trying a processor out: test payments count as real money.",
            "Switch it off before real work begins; test payments that were counted stay.",
        ),
    ),
)
