"""The self-check: what works, what is weak and what is broken, each with how to fix it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.bookings.models import BookingSettings, CallStatus, Closer, Event
from core.deliveries.queries import connections_table
from core.deliveries.secrets import count_unreadable
from core.messages.actions import slack_webhook_ends_with
from core.messages.models import ReportSettings
from core.migrations.tables import metadata
from core.migrations.upgrade import newest_revision
from core.money.models import MoneySettings
from core.money.payouts import altered_payouts
from core.money.queries import count_unattributed
from core.operations.checks import Check, State
from core.operations.integration_checks import key_checks
from core.operations.startup_checks import guessable_roles, open_addresses
from core.platform.clock import known_timezones, now
from core.platform.database import APP_ROLE, WORKER_ROLE, as_guest, as_system, engine, owner_url
from core.platform.errors import Misconfigured
from core.platform.settings import settings
from core.providers.email import delivery_method
from core.tenancy.organizations.models import Organization
from core.tenancy.organizations.queries import (
    all_organization_ids,
    current_organization,
    settings_of,
)

SKEW_S = 5
WAITING_TOO_LONG = timedelta(minutes=5)
LOOK_BACK = timedelta(days=30)


def examine() -> list[Check]:
    """Every check of the installation, then of each organisation. It reads only."""
    found = [
        *_guarded("master key", _master_key),
        *_guarded("addresses", _addresses),
        *_guarded("database", _database),
    ]
    if any(check.state == State.RED for check in found):
        return found
    found += (
        _guarded("e-mail", _email)
        + _guarded("roles", _roles)
        + _guarded("jobs", _jobs)
        + _guarded("clock", _clock)
    )
    for organization_id in all_organization_ids():
        found += examine_organization(organization_id)
    return found


def summary() -> dict[str, Any]:
    """The self-check as one object: the lines, and ``ok``, which is false when a line is red."""
    lines = examine()
    return {
        "ok": all(line.state != State.RED for line in lines),
        "checks": [asdict(line) for line in lines],
    }


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    """The lines of one check. If the check itself fails, one red line with the reason instead of a
    traceback.
    """
    try:
        return list(look())
    except Misconfigured as error:
        return [Check(name, State.RED, error.message)]
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return [
            Check(
                name,
                State.RED,
                reason,
                "Check that the server runs and that DATABASE_URL is right.",
            )
        ]


def _master_key() -> Iterator[Check]:
    keys = settings().master_keys()
    own = settings().encryption_master_key is not None
    seen = f"1 current, {len(keys) - 1} old" if own else "the demo's own, kept in the data folder"
    fix = (
        ""
        if own
        else (
            "Set ENCRYPTION_MASTER_KEY before real secrets are stored, and keep a copy away from"
            " the database."
        )
    )
    yield Check("master key", State.GREEN if own else State.AMBER, seen, fix)


def _email() -> Iterator[Check]:
    ways = {"resend": "through Resend", "smtp": "through the mail server of SMTP_URL"}
    if (way := ways.get(delivery_method())) is not None:
        yield Check("e-mail", State.GREEN, f"{way}, from {settings().email_from}")
        return
    yield Check(
        "e-mail",
        State.AMBER,
        f"written as files into {settings().data_dir / 'mail'}; nobody receives it",
        "Set RESEND_API_KEY or SMTP_URL, and EMAIL_FROM.",
    )


def _addresses() -> Iterator[Check]:
    found = open_addresses()
    if not found:
        yield Check("addresses", State.GREEN, "nobody reads along")
    for weakness in found:
        yield Check("addresses", State.AMBER, weakness)


def _database() -> Iterator[Check]:
    newest = newest_revision()
    made = create_engine(owner_url())
    with made.connect() as connection:
        version = connection.execute(text("show server_version")).scalar_one().split(" ")[0]
        yield Check("database", State.GREEN, f"PostgreSQL {version}")
        if connection.execute(text("select to_regclass('app.alembic_version')")).scalar() is None:
            yield Check(
                "migrations", State.RED, "The tables are missing.", "Run: python -m core migrate"
            )
            return
        at = connection.execute(text("select version_num from app.alembic_version")).scalar()
        fits = at == newest
        yield Check(
            "migrations",
            State.GREEN if fits else State.RED,
            f"at {at}, newest {newest}",
            "" if fits else "Run: python -m core migrate",
        )
        yield _row_security(connection)
    made.dispose()


def _row_security(connection: Connection) -> Check:
    query = text("""select relname from pg_class where relnamespace = 'app'::regnamespace
                    and relkind in ('r', 'p')
                    and relname = any(:tables) and not (relrowsecurity and relforcerowsecurity)""")
    open_ = list(
        connection.execute(
            query, {"tables": [table.name for table in metadata.sorted_tables]}
        ).scalars()
    )
    if open_:
        return Check(
            "row-level security",
            State.RED,
            f"not forced on {', '.join(sorted(open_))}",
            "Run: python -m core migrate",
        )
    return Check("row-level security", State.GREEN, f"forced on all {len(metadata.tables)} tables")


def _roles() -> Iterator[Check]:
    """Whether both roles can connect. Opening a connection refuses a role that could bypass the
    policies.
    """
    for role in (APP_ROLE, WORKER_ROLE):
        with engine(role).connect():
            yield Check(f"role {role}", State.GREEN, "owns nothing, bypasses nothing")
    for weakness in guessable_roles():
        yield Check("role passwords", State.AMBER, weakness)


def _jobs() -> Iterator[Check]:
    with as_guest(WORKER_ROLE) as db:
        waiting, oldest = db.execute(
            text("""select count(*), min(e.scheduled) from (
                 select coalesce(scheduled_at, now()) scheduled from jobs.procrastinate_jobs
                 where status = 'todo' and coalesce(scheduled_at, now()) <= now()) e""")
        ).one()
        dead = db.execute(
            text(
                "select count(*) from jobs.procrastinate_workers where last_heartbeat > now() -"
                " interval '1 minute'"
            )
        ).scalar_one()
    late = oldest is not None and now() - oldest > WAITING_TOO_LONG
    if dead == 0:
        yield Check(
            "jobs",
            State.AMBER,
            f"no worker is running; {waiting} jobs wait",
            "Start one: python -m jobs",
        )
    else:
        yield Check(
            "jobs",
            State.AMBER if late else State.GREEN,
            f"{dead} workers, {waiting} jobs due",
            "Start more workers: python -m jobs worker" if late else "",
        )


def _clock() -> Iterator[Check]:
    with as_guest() as db:
        theirs: datetime = db.execute(text("select clock_timestamp()")).scalar_one()
    skew = abs((now() - theirs.astimezone(UTC)).total_seconds())
    fine = skew < SKEW_S
    yield Check(
        "clock",
        State.GREEN if fine else State.RED,
        f"{skew:.1f} s from the database's",
        "" if fine else "Set both machines' clocks by a time server; signatures carry times.",
    )


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
        zone if known else f"“{zone}” is not known here: no figure can be made",
        "" if known else "Choose another on the screen Settings, or update the database server.",
        organization.slug,
        "settings",
    )


def _secrets(db: Session, organization: Organization) -> Iterator[Check]:
    closed = count_unreadable(db)
    fix = (
        "Add the key that sealed them to ENCRYPTION_OLD_KEYS, or enter each secret again."
        if closed
        else ""
    )
    yield Check(
        "secrets",
        State.RED if closed else State.GREEN,
        f"{closed} stored secrets cannot be opened",
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
            "no connection",
            "Make one on the screen Connections.",
            organization.slug,
            "connections",
        )
    advice = {
        "failing": (
            State.RED,
            "Look at the failed deliveries on the screen Connections, then process them again.",
        ),
        "silent": (State.AMBER, "Check that the provider still delivers to this address."),
        "never used": (
            State.AMBER,
            "Paste the connection's address at the provider, or send a test delivery.",
        ),
    }
    for row in table.to_dict("records"):
        state, fix = advice.get(row["health"], (State.GREEN, ""))
        seen = f"{row['health']}, {row['webhook_count']} deliveries, {row['dead']} failed"
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
    fix = "Say who is meant on the screen Lists, Setters." if unknown else ""
    state = State.AMBER if unknown else State.GREEN
    yield Check(
        "setters",
        state,
        f"{unknown} bookings of 30 days name an unknown setter",
        fix,
        organization.slug,
        "lists",
    )


def _money(db: Session, organization: Organization) -> Iterator[Check]:
    loose = count_unattributed(db)
    fix = "Choose the booking by hand on the screen Payments, “Unattributed”." if loose else ""
    yield Check(
        "payments",
        State.AMBER if loose else State.GREEN,
        f"{loose} payments belong to no booking",
        fix,
        organization.slug,
        "payments",
        "Unattributed",
    )


def _payouts(db: Session, organization: Organization) -> Iterator[Check]:
    altered = altered_payouts(db)
    seen, fix = "every approved line is as it was approved", ""
    if altered:
        names = ", ".join(f"“{name}”" for name in altered)
        seen = f"the lines of {names} are not those that were approved"
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
        "" if ready else "Enter an incoming webhook on the screen Slack reports.",
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
            "nobody takes bookings",
            "Add closers on the screen Lists.",
            organization.slug,
            "lists",
        )
        return
    fix = "Add the host as a closer, or their address, on the screen Lists." if unknown else ""
    state = State.AMBER if unknown else State.GREEN
    yield Check(
        "closers",
        state,
        f"{unknown} bookings of 30 days have a host whom nobody knows",
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
    fix = "Ask the closers to file them: each finds theirs on My day." if overdue else ""
    yield Check(
        "forms",
        State.AMBER if overdue else State.GREEN,
        f"{overdue} forms of 30 days are overdue",
        fix,
        organization.slug,
        "events",
    )
    if settings_of(db, MoneySettings).accept_test_mode:
        yield Check(
            "test payments",
            State.AMBER,
            "count as real money",
            "Switch that off on the screen Settings.",
            organization.slug,
            "settings",
        )
