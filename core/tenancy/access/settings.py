"""Settings for who can sign in, and for what reps and managers see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.errors import Conflict, InvalidInput
from core.tenancy.access.models import AccessSettings
from core.tenancy.organizations.settings import Setting, SettingsGroup

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
USUAL_PORTS = {"http": 80, "https": 443}


def _own_factor_first(db: Session, changes: Mapping[str, Any]) -> None:
    """Raises Conflict when somebody without a second factor requires one of everybody."""
    mine = text("select app.has_second_factor(app.cur_user())")
    if changes.get("require_second_factor") and not db.scalar(mine):
        raise Conflict("Set up your own second factor first, then require it for all members.")


def origin_of_pages(written: str) -> str:
    """An origin as browsers send it: scheme, host and, where it is not the usual one, port. Raises
    InvalidInput. Without TLS only a page on the own computer counts, since anybody on the way could
    put a script into another.
    """
    try:
        parts = urlsplit(written.strip().lower().rstrip("/"))
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    is_own = parts.scheme == "http" and host in ("localhost", "127.0.0.1")
    ends = "" if port is None or port == USUAL_PORTS.get(parts.scheme) else f":{port}"
    bare = parts.netloc == (f"{host}:{port}" if port is not None else host)
    rest = parts.path or parts.query or parts.fragment
    if not (parts.scheme == "https" or is_own) or not HOST.fullmatch(host) or rest or not bare:
        raise InvalidInput(
            f"“{written}” is not an origin; write one like https://app.example.com, with no path.",
            field="api_origins",
        )
    return f"{parts.scheme}://{host}{ends}"


API = SettingsGroup(
    "API",
    AccessSettings,
    (
        Setting(
            "api_origins",
            "Web pages that may use the API",
            "list",
            "Origins, such as https://app.example.com, whose pages may use the API from a browser"
            " with a token. Programs outside a browser need none.",
            "A page listed here can do whatever the token allows that it is given.",
            empty="none",
            check=origin_of_pages,
        ),
    ),
)
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
