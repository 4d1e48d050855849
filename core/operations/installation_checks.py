"""The self-check of the installation: its key, addresses, database, roles, jobs and clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, create_engine, text

from core.migrations.tables import metadata
from core.migrations.upgrade import newest_revision
from core.operations.checks import Check, State
from core.operations.startup_checks import guessable_roles, open_addresses
from core.platform.clock import now
from core.platform.database import APP_ROLE, WORKER_ROLE, as_guest, owner_url
from core.platform.settings import settings
from core.providers.email import delivery_method

SKEW_S = 5
WAITING_TOO_LONG = timedelta(minutes=5)


def master_key() -> Iterator[Check]:
    """Whether secrets are sealed with a key of the installation's own."""
    keys = settings().master_keys()
    own = settings().encryption_master_key is not None
    seen = (
        f"1 current, {len(keys) - 1} old" if own else "generated for the demo, in the data folder"
    )
    fix = (
        ""
        if own
        else (
            "Set ENCRYPTION_MASTER_KEY before you store real secrets, and keep a copy outside"
            " the database."
        )
    )
    yield Check("master key", State.GREEN if own else State.AMBER, seen, fix)


def email() -> Iterator[Check]:
    """How e-mail leaves."""
    ways = {"resend": "through Resend", "smtp": "through the mail server of SMTP_URL"}
    if (way := ways.get(delivery_method())) is not None:
        yield Check("e-mail", State.GREEN, f"{way}, from {settings().email_from}")
        return
    yield Check(
        "e-mail",
        State.AMBER,
        f"written as files into {settings().data_dir / 'mail'} instead of being sent",
        "Set RESEND_API_KEY or SMTP_URL, and EMAIL_FROM.",
    )


def addresses() -> Iterator[Check]:
    """Whether somebody could read along between people and the product."""
    found = open_addresses()
    if not found:
        yield Check("addresses", State.GREEN, "encrypted, or on this machine only")
    for weakness in found:
        yield Check("addresses", State.AMBER, weakness)


def database() -> Iterator[Check]:
    """Whether the database answers, in which version and state."""
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


def roles() -> Iterator[Check]:
    """Whether both roles can connect. Opening a connection refuses a role that could bypass the
    policies.
    """
    for role in (APP_ROLE, WORKER_ROLE):
        with as_guest(role):
            yield Check(f"role {role}", State.GREEN, "owns nothing, bypasses nothing")
    for weakness in guessable_roles():
        yield Check("role passwords", State.AMBER, weakness)


def jobs() -> Iterator[Check]:
    """Whether workers run and keep up."""
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
            f"no worker is running; {waiting} jobs waiting",
            "Start one: python -m jobs",
        )
    else:
        yield Check(
            "jobs",
            State.AMBER if late else State.GREEN,
            f"{dead} workers, {waiting} jobs due",
            "Start more workers: python -m jobs worker" if late else "",
        )


def clock() -> Iterator[Check]:
    """Whether this machine and the database agree about the time."""
    with as_guest() as db:
        theirs: datetime = db.execute(text("select clock_timestamp()")).scalar_one()
    skew = abs((now() - theirs.astimezone(UTC)).total_seconds())
    fine = skew < SKEW_S
    yield Check(
        "clock",
        State.GREEN if fine else State.RED,
        f"{skew:.1f} s off the database's clock",
        ""
        if fine
        else "Synchronise both machines with a time server: signatures depend on the time.",
    )
