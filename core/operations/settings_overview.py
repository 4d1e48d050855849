"""How the screens behind Settings stand at present, each in a few words."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

COUNTED = text("""
    select (select count(*) from app.organization_members where active) as team,
           (select count(*) from app.invitations
             where accepted_at is null and revoked_at is null and expires_at > now()) as invited,
           (select count(*) from app.closers where active) as closers,
           (select count(*) from app.setters where active) as setters,
           (select count(*) from app.webhook_connections where active) as connections,
           (select count(*) from app.organization_integrations) as keys,
           (select count(*) from app.access_tokens
             where revoked_at is null and expires_at > now()) as links,
           (select count(*) from app.api_keys
             where revoked_at is null and (expires_at is null or expires_at > now())) as programs,
           (select slack_report_enabled from app.report_settings) as posting,
           (select timezone || ' · ' || currency from app.organizations
             where id = app.cur_org()) as facts
""")


def present_settings(db: Session) -> dict[str, str]:
    """By the key of its screen what is set at present, as an admin's transaction sees it; screens
    that hold nothing to count have no entry.
    """
    has = db.execute(COUNTED).one()
    invited = f", {has.invited} invited" if has.invited else ""
    return {
        "team": _counted(has.team, "member") + invited,
        "lists": f"{_counted(has.closers, 'closer')}, {_counted(has.setters, 'setter')}",
        "connections": _counted(has.connections, "connection"),
        "integrations": _counted(has.keys, "key"),
        "reports": "On" if has.posting else "Off",
        "links": _counted(has.links, "active link"),
        "api-keys": _counted(has.programs, "active key"),
        "settings": has.facts,
    }


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")
