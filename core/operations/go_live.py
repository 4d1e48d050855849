"""The steps from an empty organisation to a working one, and which of them are done."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

COUNTED = text("""
    select (select count(*) from app.closers where active) as closers, (select count(*)
      from app.setters where active) as setters,
           (select count(*) from app.closers c where c.active and (c.user_id is not null
             or exists (select 1 from app.access_tokens t where t.closer_id = c.id
               and t.purpose = 'portal' and t.revoked_at is null and t.expires_at > now())))
             as filing,
           (select count(*) from app.organization_members where active) as members,
           (select count(*) from app.webhook_connections where active) as connections,
           (select coalesce(sum(webhook_count), 0) from app.connection_activity) as deliveries,
           exists (select 1 from app.events) as booked, exists (select 1
             from app.post_call_forms) as reported,
           exists (select 1 from app.payments where event_id is not null) as attributed,
           (select slack_report_enabled from app.report_settings) as posting
""")


@dataclass(frozen=True)
class Step:
    """One step: what to do, whether it is done, what was found, and the screen on which it is
    done.
    """

    title: str
    done: bool
    seen: str
    screen: str


def setup_steps(db: Session) -> list[Step]:
    """The steps in the best order to take them, as an admin's transaction sees them."""
    has = db.execute(COUNTED).one()
    return [
        Step(
            "Add closers and setters",
            has.closers > 0,
            f"closers: {has.closers}, setters: {has.setters}",
            "lists",
        ),
        Step("Invite the team", has.members > 1, f"members: {has.members}", "team"),
        Step(
            "Give every closer a sign-in or a portal link",
            has.closers > 0 and has.filing == has.closers,
            f"{has.filing} of {has.closers} closers have one",
            "lists",
        ),
        Step(
            "Connect calendar and payments",
            has.connections > 0,
            f"connections: {has.connections}",
            "connections",
        ),
        Step(
            "Receive the first delivery",
            has.deliveries > 0,
            f"deliveries: {has.deliveries}",
            "connections",
        ),
        Step(
            "Receive the first booking",
            has.booked,
            "received" if has.booked else "no booking yet",
            "events",
        ),
        Step(
            "File the first post-call form",
            has.reported,
            "filed" if has.reported else "no form yet",
            "my-day",
        ),
        Step(
            "Match the first payment to a booking",
            has.attributed,
            "matched" if has.attributed else "no payment matched yet",
            "payments",
        ),
        Step(
            "Post the daily report to Slack", has.posting, "on" if has.posting else "off", "reports"
        ),
    ]
