"""Attempts at rows of another organisation, under every identity."""

from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.migrations.tables import metadata
from core.platform.link_roles import LINK_ROLES
from tests.ports import owner
from tests.security.rows import put

NO_PRIVILEGE = "42501"
GLOBAL = {
    "users",
    "user_roles",
    "sign_in_sessions",
    "sign_in_tickets",
    "rate_limits",
    "password_resets",
    "second_factors",
    "recovery_codes",
}
TABLES = [table for table in metadata.sorted_tables if table.name not in GLOBAL]
PEOPLE = [
    "super_admin",
    "owner",
    "admin",
    "manager",
    "sales_rep",
    "viewer",
    "board",
    *LINK_ROLES,
    "",
    "nonsense",
]
ASKING = [("so_app", role) for role in PEOPLE] + [("so_worker", "system"), ("so_worker", "")]


@contextmanager
def two_organizations(table):
    """A transaction that is rolled back, with one row of ``table`` in each of two organisations.

    Triggers and references are off in it, so that only grants and policies can refuse.
    """
    ours, theirs = uuid4(), uuid4()
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        put(db, table, ours)
        put(db, table, theirs)
        yield db, ours, theirs
        db.rollback()


def key_of(table):
    return "id" if table.name == "organizations" else "organization_id"


def attempt(db, asking, home, statement, **values):
    """How many rows the statement reached under this identity; 0 when it was refused."""
    database_role, role = asking
    before = db.begin_nested()
    try:
        db.execute(text(f"set local role {database_role}"))
        for name, value in {"user_id": uuid4(), "organization_id": home, "role": role}.items():
            db.execute(
                text("select set_config(:name, :value, true)"),
                {"name": f"app.{name}", "value": str(value)},
            )
        return db.execute(text(statement), values).rowcount
    except DBAPIError as error:
        return int(
            error.orig.sqlstate != NO_PRIVILEGE
        )  # any other error means that the row was there to stumble over
    finally:
        before.rollback()
