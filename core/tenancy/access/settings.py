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
        raise Conflict("Set up your own second factor first; then ask it of everybody.")


WHAT_REPS_SEE = SettingsGroup(
    "What reps see",
    AccessSettings,
    (
        Setting(
            "leaderboards_visible",
            "Leaderboards",
            "switch",
            "Whether sales reps see how everybody does.",
        ),
        Setting(
            "leaderboards_show_money",
            "Money on leaderboards",
            "switch",
            "Off: reps compare rates and counts only.",
        ),
    ),
)
WHO_GETS_IN = SettingsGroup(
    "Who gets in",
    AccessSettings,
    (
        Setting(
            "require_second_factor",
            "Second factor for everybody",
            "switch",
            "Everybody sets up an authenticator app, and signs in with its code.",
            "Members without one are asked to set it up when they next sign in.",
        ),
        Setting(
            "managers_see_their_team_only",
            "Managers see their own team only",
            "switch",
            "On: a manager sees the bookings and payments of those who report to them, and of those"
            " who report to these.",
            "Say below who reports to whom first: a manager of nobody sees only their own.",
        ),
    ),
    _own_factor_first,
)
