"""``migrate``: one transaction from any earlier state of the database to what this version
needs.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, InternalError
from sqlalchemy.orm import Session

from core.links import kinds
from core.migrations.packages import PACKAGES
from core.migrations.tables import metadata
from core.money import line_reasons
from core.money.attribution import attribute_all
from core.people import payload_fields
from core.platform import security
from core.platform.database import (
    APP_ROLE,
    DATABASE,
    ORGANIZATION_ID,
    WORKER_ROLE,
    owner_url,
    role_password,
)
from core.platform.files import replace_file
from core.platform.local_postgres import embedded
from core.platform.settings import settings
from core.providers.registry import person_fields

MIGRATION_LOCK = 727001
GROUP_ROLES = ("so_owner", "so_definer", "so_backup")
LOGIN_ROLES = (APP_ROLE, WORKER_ROLE)
ROLE_TRIES = 5
# Two transactions changed the same row, or created the same name, at the same moment.
CHANGED_MEANWHILE = {"XX000", "23505"}


def ensure_embedded_database() -> None:
    """Create the database in the embedded server on its first start. In an external server it must
    exist.
    """
    if settings().database_url is not None:
        return
    with psycopg.connect(embedded().url(), autocommit=True) as connection:
        if (
            connection.execute(
                "select 1 from pg_database where datname = %s", (DATABASE,)
            ).fetchone()
            is None
        ):
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))


def ensure_embedded_ready() -> None:
    """Make sure that the embedded database exists and is migrated, and that it has a master key. An
    external server is migrated by hand.
    """
    if settings().database_url is not None or settings().database_app_url is not None:
        return
    ensure_local_key()
    ensure_embedded_database()
    with psycopg.connect(
        owner_url().set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        row = connection.execute(
            "select to_regprocedure('app.forget_expired()') is not null"
        ).fetchone()
    if row is None or not row[0]:
        migrate()


def ensure_local_key() -> None:
    """Create the embedded database's own master key, readable by its owner only. With DATABASE_URL
    set, people provide their own.
    """
    path = settings().data_dir / "master.key"
    if (
        settings().encryption_master_key is not None
        or settings().database_url is not None
        or path.exists()
    ):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, base64.b64encode(os.urandom(32)).decode())


def migrate(url: URL | None = None) -> None:
    """Upgrade tables, queue and security layer in one transaction. Safe to repeat, and to run on
    several machines at the same time. An upgrade may change facts from which payments are
    attributed, so the workers attribute all of them anew.
    """
    target = url or owner_url()
    engine = create_engine(target)
    # Roles belong to the whole server: other databases that migrate would wait for all the rest.
    with engine.begin() as connection:
        _ensure_roles(connection)
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("set local lock_timeout = '5s'"))
        _ensure_schemas(connection)
        config = _config()
        config.attributes["connection"] = connection
        before = _revision(connection)
        connection.execute(text("set local role so_owner"))
        command.upgrade(config, "head")
        connection.execute(text("reset role"))
        lists = (
            payload_fields.functions(person_fields()) + kinds.functions() + line_reasons.functions()
        )
        security.apply(connection, metadata, PACKAGES, lists)
        if before is not None and before != _revision(connection):
            _attribute_anew(connection)
    engine.dispose()


def _revision(connection: Connection) -> str | None:
    """The revision that the database has; None for an empty one."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": "app"})
    return context.get_current_revision()


def _attribute_anew(connection: Connection) -> None:
    """Have a worker attribute the payments of every organisation, under the name by which the clock
    enqueues it too.
    """
    with Session(connection, join_transaction_mode="create_savepoint") as db, db.begin():
        db.execute(text("set local role so_definer"))
        for organization_id in db.scalars(text("select app.all_organization_ids()")).all():
            db.info[ORGANIZATION_ID] = organization_id
            entered = text("select set_config('app.organization_id', :id, true)")
            db.execute(entered, {"id": str(organization_id)})
            attribute_all.tick(db)
        db.execute(text("reset role"))


def newest_revision() -> str | None:
    """The newest revision, which this version of the product needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def prepare_database(connection: Connection) -> None:
    """Create the roles and the two schemas that everything else needs; safe to repeat."""
    _ensure_roles(connection)
    _ensure_schemas(connection)


def _ensure_roles(connection: Connection) -> None:
    for role in (*GROUP_ROLES, *LOGIN_ROLES):
        made = (
            f"create role {role} {'login' if role in LOGIN_ROLES else 'nologin'} noinherit"
            " nobypassrls"
        )
        _shape_role(
            connection, f"do $$ begin {made}; exception when duplicate_object then null; end $$"
        )
        if role in LOGIN_ROLES:
            literal = sql.Literal(role_password(role)).as_string(None)
            _shape_role(connection, f"alter role {role} password {literal}".replace("%", "%%"))
    for role in GROUP_ROLES:
        _shape_role(connection, f"grant {role} to current_user")


def _shape_role(connection: Connection, statement: str) -> None:
    """Run a statement about a role, and retry it if it collides with another one.

    Roles belong to the whole server, beyond the reach of our migration lock. Another database that
    migrates at the same moment may change one first, and PostgreSQL then refuses instead of
    waiting.
    """
    for _ in range(ROLE_TRIES - 1):
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(statement)
            return
        except (InternalError, IntegrityError) as error:
            if getattr(error.orig, "sqlstate", None) not in CHANGED_MEANWHILE:
                raise
    connection.exec_driver_sql(statement)


def _ensure_schemas(connection: Connection) -> None:
    for schema in ("app", "jobs"):
        connection.exec_driver_sql(f"create schema if not exists {schema} authorization so_owner")
    connection.exec_driver_sql(
        "grant usage on schema app to so_app, so_worker, so_definer, so_backup"
    )
    connection.exec_driver_sql("grant usage on schema jobs to so_worker")
