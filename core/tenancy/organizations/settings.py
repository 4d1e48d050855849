"""The settings of an organisation: what each is called, what it means, and which values it can
have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.clock import check_timezone
from core.platform.errors import Conflict, InvalidInput
from core.platform.money import check_currency
from core.tenancy.organizations.queries import current_organization

UTM_FIELDS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


@dataclass(frozen=True)
class Setting:
    """One setting. ``kind`` says how it is entered: text, choice, number or switch.

    ``least`` and ``most`` bound a number; ``empty`` is what leaving it out means, where it may be
    left out. ``warning`` is what a change does to what is there already.
    """

    key: str
    group: str
    label: str
    kind: str
    meaning: str
    warning: str = ""
    unit: str = ""
    least: int = 0
    most: int = 0
    empty: str | None = None
    choices: tuple[str, ...] = ()


_MATCHED = "Bookings that are here already keep their setter."
SETTINGS = (
    Setting("name", "Organisation", "Name", "text", "Stands on every page, report and message."),
    Setting(
        "timezone",
        "Organisation",
        "Time zone",
        "text",
        "Where a day begins and ends, and the zone of every time on screen.",
        "Every day, week and month is cut anew, also in the past: figures of single days change."
        " Approved payouts do not.",
    ),
    Setting(
        "currency",
        "Organisation",
        "Currency",
        "text",
        "The usual one: suggested in forms and ranked by on leaderboards.",
        "Amounts that are here already keep the currency they were taken in; nothing is converted.",
    ),
    Setting(
        "pcf_grace_hours",
        "Calls",
        "Form is overdue after",
        "number",
        "How long a closer has for the post-call form.",
        "Applies at once, also to calls that are waiting for their form.",
        "hours after the call",
        1,
        720,
    ),
    Setting(
        "late_cancel_hours",
        "Calls",
        "A cancellation is late within",
        "number",
        "Cancelled so shortly before, a call counts as late.",
        "Applies to calls that are booked, cancelled or reported on from now on.",
        "hours before the call",
        0,
        720,
    ),
    Setting(
        "setter_utm_field",
        "Calls",
        "Setter's name stands in",
        "choice",
        "The tracking field of booking links that names the setter.",
        _MATCHED,
        choices=UTM_FIELDS,
    ),
    Setting(
        "setter_question",
        "Calls",
        "Or in the answer to",
        "text",
        "A question of the booking form, word for word; asked when the tracking field is empty.",
        _MATCHED,
        empty="no question",
    ),
    Setting(
        "forward_attribution_days",
        "Money",
        "A payment may come before its call by",
        "number",
        "A payment without an earlier call then belongs to the first call within these days"
        " after it.",
        "Applies to payments that arrive, or are matched again, from now on.",
        "days",
        1,
        365,
        "never: only calls before the payment",
    ),
    Setting(
        "reconciliation_days",
        "Money",
        "Cash and card payment are one within",
        "number",
        "Cash from a form and a payment from a processor, of one customer and one amount, so close"
        " together count once.",
        "Applies to payments that arrive, or are matched again, from now on.",
        "days",
        0,
        60,
    ),
    Setting(
        "accept_test_mode",
        "Money",
        "Count test payments",
        "switch",
        "For trying a processor out: test payments count as real money.",
        "Switch it off before real work begins; test payments that were counted stay.",
    ),
    Setting(
        "leaderboards_visible",
        "What reps see",
        "Leaderboards",
        "switch",
        "Whether sales reps see how everybody does.",
    ),
    Setting(
        "leaderboards_show_money",
        "What reps see",
        "Money on leaderboards",
        "switch",
        "Off: reps compare rates and counts only.",
    ),
    Setting(
        "require_second_factor",
        "Who gets in",
        "Second factor for everybody",
        "switch",
        "Everybody sets up an authenticator app, and signs in with its code.",
        "Members without one are asked to set it up when they next sign in.",
    ),
    Setting(
        "managers_see_their_team_only",
        "Who gets in",
        "Managers see their own team only",
        "switch",
        "On: a manager sees the calls and payments of those who report to them, and of those who"
        " report to these.",
        "Say below who reports to whom first: a manager of nobody sees only their own.",
    ),
    Setting(
        "raw_delivery_days",
        "Personal data",
        "Keep raw deliveries and links to recordings for",
        "number",
        "What providers sent, word for word, and where calls were recorded. Older ones are emptied;"
        " calls and payments stay.",
        "Older deliveries cannot be processed again; what is gone does not come back, from the"
        " audit log neither.",
        "days",
        7,
        3650,
        "for good",
    ),
)
BY_KEY = {setting.key: setting for setting in SETTINGS}


def change_settings(db: Session, changes: Mapping[str, Any]) -> None:
    """Change settings of the transaction's organisation; the audit log keeps who, when, and the
    value before.

    Raises:
        InvalidInput: a setting that does not exist, or a value that it cannot have.
        Conflict: a second factor is asked of everybody by somebody who has none.
    """
    if changes.get("require_second_factor") and not db.scalar(
        text("select app.has_second_factor(app.cur_user())")
    ):
        raise Conflict("Set up your own second factor first; then ask it of everybody.")
    home = current_organization(db)
    for key, value in changes.items():
        if key not in BY_KEY:
            raise InvalidInput(f"“{key}” is not a setting.", field=key)
        setattr(home, key, _checked(BY_KEY[key], value))
    db.flush()


def _checked(setting: Setting, value: Any) -> Any:
    if setting.kind == "switch":
        return bool(value)
    if setting.kind == "number":
        return _number(setting, value)
    words = str(value or "").strip()
    if setting.key == "timezone":
        return check_timezone(words)
    if setting.key == "currency":
        return check_currency(words)
    if setting.choices and words not in setting.choices:
        raise InvalidInput(f"Choose one of {', '.join(setting.choices)}.", field=setting.key)
    if not words and setting.empty is None:
        raise InvalidInput("A name is needed.", field=setting.key)
    return words or None


def _number(setting: Setting, value: Any) -> int | None:
    if value is None and setting.empty is not None:
        return None
    if not isinstance(value, int) or not setting.least <= value <= setting.most:
        raise InvalidInput(
            f"“{setting.label}” takes {setting.least} to {setting.most} {setting.unit}.",
            field=setting.key,
        )
    return value
