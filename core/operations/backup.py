"""A backup of everything in the database, and its way back into an empty one.

Secrets stay sealed in it: without the master key that sealed them, a restored installation asks for
each again.
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
from core.platform.local_postgres import find_bin

COUNTED = ("organizations", "events", "payments", "webhook_deliveries")
# Made anew after a restore, by the version that restores: the security layer is never taken from a
# file.
NOT_FROM_FILE = ("SCHEMA", "COMMENT SCHEMA", "ROW SECURITY", "POLICY", "COMMENT POLICY")
NOT_FROM_FILE_IN_APP = ("FUNCTION", "TRIGGER", "ACL", "COMMENT")


def backup(path: Path) -> dict[str, int]:
    """Write the whole database to ``path``, readable by its owner only; how many rows of the main
    tables it holds.

    Raises:
        Conflict: the file exists already.
        InvalidInput: its folder does not.
        Misconfigured: the database's programs refuse, for instance because the server is newer than
        they are.
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
    """Fill an empty database from ``path`` and bring it to this version; how many rows of the main
    tables came.

    Raises:
        NotFound or InvalidInput: there is no such file, or it is no backup.
        Conflict: the database holds organisations already.
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
    """What was signed out since the backup must not come back signed in."""
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
    """The backup's entries but for those that this version makes itself."""
    try:
        listed = _run("pg_restore", "--list", str(path))
    except Misconfigured as error:
        raise InvalidInput(f"{path} is not a backup of this product.", field="file") from error
    return "\n".join(line for line in listed.splitlines() if _is_taken(line))


def _is_taken(line: str) -> bool:
    """A line is ``id; oid oid TYPE schema name owner``; the type may have several words."""
    entry = line.partition(";")[2].strip().partition(" ")[2].partition(" ")[2]
    in_app = any(entry.startswith(f"{kind} app ") for kind in NOT_FROM_FILE_IN_APP)
    return not in_app and not any(entry.startswith(f"{kind} ") for kind in NOT_FROM_FILE)


def _past_row_security() -> list[str]:
    """An owner that is bound by the policies dumps as the role that they let read everything."""
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
    """The owner's address without its password, which every user of the machine could read among
    the arguments.
    """
    return owner_url()._replace(drivername="postgresql", password=None).render_as_string()


def _run(program: str, *arguments: str) -> str:
    """The program's output. Raises Misconfigured with its own words."""
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
