"""The self-check of one organisation: its secrets, connections, people, roster and money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.bookings.models import BookingSettings, CallStatus, Closer, Event
from core.deliveries.queries import connections_table
from core.deliveries.secrets import count_unreadable
from core.messages.actions import slack_webhook_ends_with
from core.messages.models import ReportSettings
from core.money.models import MoneySettings
from core.money.payouts import altered_payouts
from core.money.queries import unattributed_money
from core.operations.checks import Check, State
from core.operations.integration_checks import key_checks, sync_checks
from core.platform.clock import known_timezones, now
from core.platform.database import as_system
from core.platform.settings import settings
from core.tenancy.organizations.models import Organization
from core.tenancy.organizations.queries import (
    current_organization,
    settings_of,
)

LOOK_BACK = timedelta(days=30)


def examine_organization(organization_id: UUID) -> list[Check]:
    """Every check of one organisation.

    It runs with the system's identity, because people cannot read sealed secrets. Callers must make
    sure that only the organisation's admins see the result.
    """
    with as_system(organization_id) as db:
        organization = current_organization(db)
        return [
            *_time_zone(organization),
            *_secrets(db, organization),
            *_connections(db, organization),
            *key_checks(db, organization),
            *sync_checks(db, organization),
            *_people(db, organization),
            *_roster(db, organization),
            *_money(db, organization),
            *_payouts(db, organization),
            *_slack(db, organization),
            *_forms(db, organization),
        ]


def _time_zone(organization: Organization) -> Iterator[Check]:
    """The chosen zone may be unknown to a newer or older database server."""
    zone = organization.timezone
    known = zone in known_timezones()
    yield Check(
        "time zone",
        State.GREEN if known else State.RED,
        zone if known else f"the database does not know “{zone}”, so no figure can be calculated",
        "" if known else "Choose another time zone in Settings, or update the database server.",
        organization.slug,
        "settings",
    )


def _secrets(db: Session, organization: Organization) -> Iterator[Check]:
    closed = count_unreadable(db)
    fix = (
        "Add the key that encrypted them to ENCRYPTION_OLD_KEYS, or enter each secret again."
        if closed
        else ""
    )
    yield Check(
        "secrets",
        State.RED if closed else State.GREEN,
        f"{closed} stored secrets cannot be decrypted" if closed else "all can be decrypted",
        fix,
        organization.slug,
        "connections",
    )


def _connections(db: Session, organization: Organization) -> Iterator[Check]:
    table = connections_table(db)
    if table.empty:
        yield Check(
            "webhooks",
            State.AMBER,
            "no connection yet",
            "Create one on Connections.",
            organization.slug,
            "connections",
        )
    advice = {
        "refusing": (
            State.RED,
            "The signature does not match the signing secret. Copy the secret from the provider"
            " and rotate it on Connections.",
        ),
        "failing": (
            State.RED,
            "View the failed deliveries on Connections, then retry them.",
        ),
        "paused": (State.AMBER, "Its deliveries are held. Resume it on Connections."),
        "silent": (State.AMBER, "Check that the provider still delivers to this address."),
        "never used": (
            State.AMBER,
            "Paste the connection's address at the provider, or send a test delivery.",
        ),
    }
    for row in table.to_dict("records"):
        state, fix = advice.get(row["health"], (State.GREEN, ""))
        seen = f"{row['health']}, {row['webhook_count']} deliveries, {row['dead']} failed"
        if row["refused_count"]:
            since = row["refused_since"].astimezone(ZoneInfo(organization.timezone))
            seen += f", {row['refused_count']} refused since {since:%d %b %H:%M}"
        yield Check(
            f"webhooks {row['provider']} “{row['name']}”",
            state,
            seen,
            fix,
            organization.slug,
            "connections",
        )


def _people(db: Session, organization: Organization) -> Iterator[Check]:
    unknown = db.scalars(
        select(func.count())
        .select_from(Event)
        .where(
            Event.setter_id.is_(None),
            Event.setter_name.is_not(None),
            Event.deleted_at.is_(None),
            Event.scheduled_at > now() - LOOK_BACK,
        )
    ).one()
    fix = "Choose who is meant on Lists, Setters." if unknown else ""
    state = State.AMBER if unknown else State.GREEN
    yield Check(
        "setters",
        state,
        f"{_recent_bookings(unknown)} an unknown setter",
        fix,
        organization.slug,
        "lists",
    )


def _recent_bookings(count: int) -> str:
    """How many there are, as the beginning of what they have."""
    noun, verb = ("booking", "has") if count == 1 else ("bookings", "have")
    return f"{count} {noun} in the last {LOOK_BACK.days} days {verb}"


def _money(db: Session, organization: Organization) -> Iterator[Check]:
    loose = unattributed_money(db)
    fix = (
        "Choose the booking of each on the screen Payments, “Unattributed”." if loose.count else ""
    )
    yield Check(
        "payments",
        State.AMBER if loose.count else State.GREEN,
        loose.in_words,
        fix,
        organization.slug,
        "payments",
        "Unattributed",
    )


def _payouts(db: Session, organization: Organization) -> Iterator[Check]:
    altered = altered_payouts(db)
    seen, fix = "approved payouts are unchanged", ""
    if altered:
        names = ", ".join(f"“{name}”" for name in altered)
        seen = f"the lines of {names} have changed since approval"
        fix = "Compare them with an earlier backup, and find out who changed the database."
    state = State.RED if altered else State.GREEN
    yield Check("payouts", state, seen, fix, organization.slug, "payouts")


def _slack(db: Session, organization: Organization) -> Iterator[Check]:
    if not settings_of(db, ReportSettings).slack_report_enabled:
        yield Check("slack", State.GREEN, "reports are off", "", organization.slug, "reports")
        return
    ready = slack_webhook_ends_with(db) is not None or settings().slack_webhook_url is not None
    yield Check(
        "slack",
        State.GREEN if ready else State.RED,
        "reports are on" + ("" if ready else ", but no channel is set up"),
        "" if ready else "Enter an incoming webhook on Slack reports.",
        organization.slug,
        "reports",
    )


def _roster(db: Session, organization: Organization) -> Iterator[Check]:
    """Whether there are closers to take bookings, and whether every recent event has its closer."""
    unknown = db.scalars(
        select(func.count())
        .select_from(Event)
        .where(
            Event.closer_id.is_(None),
            Event.deleted_at.is_(None),
            Event.scheduled_at > now() - LOOK_BACK,
        )
    ).one()
    if db.scalars(select(func.count()).select_from(Closer).where(Closer.active)).one() == 0:
        yield Check(
            "closers",
            State.AMBER,
            "no closer takes bookings",
            "Add closers on Lists.",
            organization.slug,
            "lists",
        )
        return
    fix = "Add the host as a closer, or their address to a closer, on Lists." if unknown else ""
    state = State.AMBER if unknown else State.GREEN
    yield Check(
        "closers",
        state,
        f"{_recent_bookings(unknown)} an unknown host",
        fix,
        organization.slug,
        "lists",
    )


def _forms(db: Session, organization: Organization) -> Iterator[Check]:
    grace = timedelta(hours=settings_of(db, BookingSettings).pcf_grace_hours)
    due = (
        select(func.count())
        .select_from(Event)
        .where(
            Event.call_status == CallStatus.SCHEDULED,
            Event.deleted_at.is_(None),
            Event.scheduled_at > now() - LOOK_BACK,
            Event.scheduled_at < now() - grace,
        )
    )
    overdue = db.scalars(due).one()
    fix = "Ask the closers to file them: they are on My day." if overdue else ""
    yield Check(
        "forms",
        State.AMBER if overdue else State.GREEN,
        f"{overdue} forms of the last 30 days are overdue",
        fix,
        organization.slug,
        "events",
    )
    if settings_of(db, MoneySettings).accept_test_mode:
        yield Check(
            "test payments",
            State.AMBER,
            "count as real money",
            "Switch this off in Settings.",
            organization.slug,
            "settings",
        )
