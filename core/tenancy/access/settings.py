"""Settings for who can sign in, and for what reps and managers see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.errors import Conflict
from core.tenancy.access.models import AccessSettings
from core.tenancy.organizations.settings import Setting, SettingsGroup


def _own_factor_first(db: Session, changes: Mapping[str, Any]) -> None:
    """Raises Conflict when somebody without a second factor requires one of everybody."""
    mine = text("select app.has_second_factor(app.cur_user())")
    if changes.get("require_second_factor") and not db.scalar(mine):
        raise Conflict("Set up your own second factor first, then require it for all members.")


WHAT_REPS_SEE = SettingsGroup(
    "What reps see",
    AccessSettings,
    (
        Setting(
            "leaderboards_visible",
            "Leaderboards",
            "switch",
            "Show leaderboards to sales reps.",
        ),
        Setting(
            "leaderboards_show_money",
            "Money on leaderboards",
            "switch",
            "When off, reps see only rates and counts.",
        ),
    ),
)
WHO_GETS_IN = SettingsGroup(
    "Access",
    AccessSettings,
    (
        Setting(
            "require_second_factor",
            "Require a second factor",
            "switch",
            "All members sign in with a code from an authenticator app.",
            "Members without one have to set it up the next time they sign in.",
        ),
        Setting(
            "managers_see_their_team_only",
            "Managers see only their own team",
            "switch",
            "When on, a manager sees the bookings and payments of the people who report to them,"
            " directly or through others.",
            "Set the reporting lines below first: a manager without reports sees only their own.",
        ),
    ),
    _own_factor_first,
)
