"""The security layer: functions, row-level security, policies, grants and triggers, re-applied
after every migration.

Every table declares a class, whose its rows are and what links open of it (``schema.secured``);
``policies`` turns that into policies, ``ownership`` into the triggers that fill the columns which
the policies compare, and this module brings the database to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, MetaData, Table, text

from core.platform.schema import run_script
from core.platform.security import erasure, ownership
from core.platform.security.policies import Access, Policy, access_of, policies_of

HERE = Path(__file__).parent
TAKE_BACK = """
    do $$ declare each regprocedure; begin
      for each in select oid from pg_proc where pronamespace = 'app'::regnamespace
        and proowner = current_user::regrole loop
        execute format('revoke all on function %s from public, so_app, so_worker', each);
      end loop;
    end $$
"""


def apply(connection: Connection, metadata: MetaData) -> None:
    """Bring functions, policies, grants and triggers to what is declared; safe to repeat. Run as
    the owner.
    """
    _functions(connection, "owner", "so_owner")
    _functions(connection, "definer", "so_definer")
    _generated_functions(connection, metadata)
    connection.execute(text("set local role so_owner"))
    for table in metadata.sorted_tables:
        _protect(connection, table)
    connection.execute(
        text("grant select on app.alembic_version to so_definer")
    )  # a backup by it holds the version too
    for script in sorted((HERE / "triggers").glob("*.sql")):
        run_script(connection, script.read_text())
    run_script(connection, ownership.triggers(metadata))
    connection.execute(text("reset role"))


def _functions(connection: Connection, folder: str, role: str) -> None:
    """Nobody may run what an earlier version left behind: each script grants anew what it makes."""
    connection.execute(text("grant create on schema app to so_definer"))
    connection.execute(text(f"set local role {role}"))
    run_script(connection, TAKE_BACK)
    for script in sorted((HERE / folder).glob("*.sql")):
        run_script(connection, script.read_text())
    connection.execute(text("reset role"))
    connection.execute(text("revoke create on schema app from so_definer"))


def _generated_functions(connection: Connection, metadata: MetaData) -> None:
    """The functions that follow from what the tables declare; they run with the definer's rights,
    because whoever writes a row may not see whose the rows are that it concerns.
    """
    connection.execute(text("grant create on schema app to so_definer"))
    connection.execute(text("set local role so_definer"))
    run_script(connection, ownership.functions(metadata))
    run_script(connection, erasure.functions(metadata))
    connection.execute(text("reset role"))
    connection.execute(text("revoke create on schema app from so_definer"))


def _protect(connection: Connection, table: Table) -> None:
    access = access_of(table)
    name = f"app.{table.name}"
    run = connection.exec_driver_sql
    run(f"alter table {name} enable row level security")
    run(f"alter table {name} force row level security")
    run(f"revoke all on {name} from public, so_app, so_worker, so_definer")
    run(f"grant select, insert, update, delete on {name} to so_definer")
    for verb in ("select", "insert", "update", "delete"):
        if getattr(access, verb) is not None:
            _grant(connection, table, verb, access)
    _sync_policies(connection, table, policies_of(table))
    _triggers(connection, table)


def _grant(connection: Connection, table: Table, verb: str, access: Access) -> None:
    columns: Sequence[str] = access.columns if verb == "select" else ()
    if verb == "update" and access.fixed:
        columns = [column.name for column in table.columns if column.name not in access.fixed]
    only = f"({', '.join(columns)})" if columns else ""
    connection.exec_driver_sql(f"grant {verb} {only} on app.{table.name} to so_app")
    connection.exec_driver_sql(f"grant {verb} on app.{table.name} to so_worker")


def _sync_policies(connection: Connection, table: Table, wanted: dict[str, Policy]) -> None:
    """Recreate only what changed: the hash of each policy's text stands in its comment."""
    found = connection.execute(
        text("""select p.polname, obj_description(p.oid, 'pg_policy') from pg_policy p
                where p.polrelid = cast(:table as regclass)"""),
        {"table": f"app.{table.name}"},
    )
    current: dict[str, str] = dict(found.all())
    for name, (verb, roles, using, check) in wanted.items():
        body = (
            f"for {verb} to {roles}"
            + (f" using ({using})" if using else "")
            + (f" with check ({check})" if check else "")
        )
        digest = hashlib.sha256(body.encode()).hexdigest()
        if current.pop(name, None) == digest:
            continue
        connection.exec_driver_sql(f'drop policy if exists "{name}" on app.{table.name}')
        connection.exec_driver_sql(f'create policy "{name}" on app.{table.name} {body}')
        connection.exec_driver_sql(
            f"comment on policy \"{name}\" on app.{table.name} is '{digest}'"
        )
    for name in current:
        connection.exec_driver_sql(f'drop policy "{name}" on app.{table.name}')


def _triggers(connection: Connection, table: Table) -> None:
    if "updated_at" in table.columns:
        connection.exec_driver_sql(
            f"create or replace trigger touch before update on app.{table.name} for each row"
            " execute function app.touch()"
        )
    connection.exec_driver_sql(f"drop trigger if exists zz_audit on app.{table.name}")
    if table.info.get("audit"):
        keys = [column.name for column in table.primary_key if column.name != "organization_id"]
        connection.exec_driver_sql(
            f"create trigger zz_audit after insert or update or delete on app.{table.name} for each"
            f" row execute function app.audit({', '.join(map(repr, keys))})"
        )
