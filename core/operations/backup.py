"""Backing up everything in the database, and restoring it into an empty one.

Secrets stay sealed in a backup. Without the master key that sealed them, a restored installation
cannot read them, and people must enter them again.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from core.migrations.upgrade import migrate, prepare_database
from core.platform.database import owner_url
from core.platform.errors import Conflict, InvalidInput, Misconfigured
from core.platform.postgres_programs import find_bin

COUNTED = ("organizations", "events", "payments", "webhook_deliveries")
# Not restored from the backup but made anew by the version that restores. The security layer in
# particular is never taken from a file.
NOT_FROM_FILE = ("SCHEMA", "COMMENT SCHEMA", "ROW SECURITY", "POLICY", "COMMENT POLICY")
NOT_FROM_FILE_IN_APP = ("FUNCTION", "TRIGGER", "ACL", "COMMENT")


def backup(path: Path) -> dict[str, int]:
    """Write the whole database to ``path``, readable by its owner only. Returns how many rows of
    the main tables it contains.

    Raises:
        Conflict: the file exists already.
        InvalidInput: its folder does not exist.
        Misconfigured: PostgreSQL's programs refuse, for instance because they are older than the
        server.
    """
    if not path.parent.is_dir():
        raise InvalidInput(f"The folder {path.parent} does not exist.", field="file")
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise Conflict(f"{path} exists already; a backup never overwrites a file.") from error
    try:
        _run(
            "pg_dump",
            "--format=custom",
            "--schema=app",
            "--schema=jobs",
            *_past_row_security(),
            f"--file={path}",
        )
    except BaseException:
        path.unlink()
        raise
    return _counts()


def restore(path: Path) -> dict[str, int]:
    """Fill an empty database from ``path`` and migrate it to this version. Returns how many rows of
    the main tables were restored.

    Raises:
        NotFound or InvalidInput: there is no such file, or it is not a backup.
        Conflict: the database contains organisations already.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no file {path}.", field="file")
    wanted = _table_of_contents(path)
    engine = create_engine(owner_url())
    with engine.begin() as connection:
        _refuse_if_used(connection)
        for schema in ("app", "jobs"):
            connection.exec_driver_sql(f"drop schema if exists {schema} cascade")
        prepare_database(connection)
    engine.dispose()
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write(wanted)
        chosen.flush()
        _run(
            "pg_restore",
            "--no-owner",
            "--role=so_owner",
            "--single-transaction",
            "--exit-on-error",
            f"--use-list={chosen.name}",
            f"--dbname={_address()}",
            str(path),
        )
    migrate()
    _end_sign_ins()
    return _counts()


def _end_sign_ins() -> None:
    """Ends all sessions: those that were ended after the backup must not be open again."""
    engine = create_engine(owner_url())
    with engine.begin() as connection:
        connection.execute(text("set local role so_owner"))
        connection.execute(text("select app.end_every_sign_in()"))
    engine.dispose()


def _refuse_if_used(connection: Connection) -> None:
    if connection.execute(text("select to_regclass('app.organizations')")).scalar() is None:
        return
    connection.execute(text("set local role so_definer"))
    used = connection.execute(text("select exists (select from app.organizations)")).scalar()
    connection.execute(text("reset role"))
    if used:
        raise Conflict(
            "This database holds organisations already. Restore into an empty one: another"
            " DATABASE_URL, or a new DATA_DIR."
        )


def _table_of_contents(path: Path) -> str:
    """The backup's entries, without those that this version makes itself."""
    try:
        listed = _run("pg_restore", "--list", str(path))
    except Misconfigured as error:
        raise InvalidInput(f"{path} is not a backup of this product.", field="file") from error
    return "\n".join(line for line in listed.splitlines() if _is_taken(line))


def _is_taken(line: str) -> bool:
    """Whether an entry is restored. A line is ``id; oid oid TYPE schema name owner``, where the
    type may have several words.
    """
    entry = line.partition(";")[2].strip().partition(" ")[2].partition(" ")[2]
    in_app = any(entry.startswith(f"{kind} app ") for kind in NOT_FROM_FILE_IN_APP)
    return not in_app and not any(entry.startswith(f"{kind} ") for kind in NOT_FROM_FILE)


def _past_row_security() -> list[str]:
    """Options for pg_dump. An owner who is bound by the policies dumps as the role whose policies
    allow reading everything.
    """
    engine = create_engine(owner_url())
    with engine.connect() as connection:
        free = connection.execute(
            text("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        ).scalar()
    engine.dispose()
    return [] if free else ["--role=so_backup", "--enable-row-security"]


def _counts() -> dict[str, int]:
    engine = create_engine(owner_url())
    with engine.begin() as connection:
        connection.execute(text("set local role so_backup"))
        counts = {
            table: connection.scalar(text(f"select count(*) from app.{table}"))  # noqa: S608
            for table in COUNTED
        }
    engine.dispose()
    return counts


def _address() -> str:
    """The owner's address without its password: every user of the machine can read a program's
    arguments.
    """
    return owner_url()._replace(drivername="postgresql", password=None).render_as_string()


def _run(program: str, *arguments: str) -> str:
    """The program's output. Raises Misconfigured with what the program printed."""
    command = [str(find_bin() / program), *arguments]
    if program == "pg_dump":
        command.append(_address())
    env = os.environ | {"PGPASSWORD": owner_url().password or "", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode != 0:
        raise Misconfigured(
            f"{program} failed: {next(iter(done.stderr.strip().splitlines()), 'no reason given')}"
        )
    return done.stdout
