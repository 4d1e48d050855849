"""The security layer: functions, row-level security, policies, grants and triggers, applied again
after every migration.

Every table declares its security class, to whom its rows belong and what access links open of it
(``schema.secured``). ``policies`` makes policies from that, ``ownership`` makes the triggers that
fill the columns which the policies compare, and this module applies both to the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, MetaData, Table, text

from core.platform.schema import run_script
from core.platform.security import audit, erasure, merging, ownership, references
from core.platform.security.inner_roles import (
    VERBS,
    Rights,
    inner_rules,
    open_queue,
    rights_of_definer,
)
from core.platform.security.policies import (
    SETTINGS,
    Access,
    Policy,
    access_of,
    policies_for,
    policies_of,
)
from core.platform.security.scripts import make_functions, make_triggers


def apply(connection: Connection, metadata: MetaData, packages: Sequence[str], lists: str) -> None:
    """Bring functions, policies, grants and triggers in line with what is declared; safe to repeat.
    Must run as the owner. ``packages`` are those whose SQL scripts are loaded, lower layers first;
    ``lists`` is SQL of functions that the scripts name: words that Python declares
    (``word_lists``).
    """
    make_functions(connection, packages, lists)
    _generated_functions(connection, metadata)
    connection.execute(text("set local role so_owner"))
    for table in metadata.sorted_tables:
        _triggers(connection, table)
    run_script(connection, audit.functions(metadata))
    run_script(connection, audit.triggers(metadata))
    run_script(connection, ownership.triggers(metadata))
    run_script(connection, references.triggers(metadata))
    make_triggers(connection, packages)
    settings = [each for each in metadata.sorted_tables if each.info.get("rls") == SETTINGS]
    rights = rights_of_definer(connection) | {(each.fullname, "insert") for each in settings}
    for table in metadata.sorted_tables:
        _protect(connection, table, rights)
    open_queue(connection, rights)
    for table in settings:
        _complete_settings(connection, table)
    connection.execute(text("reset role"))


def _generated_functions(connection: Connection, metadata: MetaData) -> None:
    """The functions generated from the tables' declarations. They run with the definer's rights,
    because whoever writes a row may be unable to read the rows that decide to whom it belongs.
    """
    connection.execute(text("grant create on schema app to so_definer"))
    connection.execute(text("set local role so_definer"))
    run_script(connection, ownership.functions(metadata))
    run_script(connection, references.functions(metadata))
    run_script(connection, erasure.functions(metadata))
    run_script(connection, merging.functions(metadata))
    connection.execute(text("reset role"))
    connection.execute(text("revoke create on schema app from so_definer"))


def _tenants(settings: Table) -> str:
    """The table that has one row for each row of a settings table."""
    [reference] = settings.columns["organization_id"].foreign_keys
    return reference.column.table.fullname


def _complete_settings(connection: Connection, table: Table) -> None:
    """Adds the rows of organisations that are older than a table of settings."""
    connection.execute(text("set local role so_definer"))
    connection.exec_driver_sql(
        f"insert into app.{table.name} (organization_id)"
        f" select o.id from {_tenants(table)} o on conflict do nothing"
    )
    connection.execute(text("set local role so_owner"))


def _protect(connection: Connection, table: Table, rights: Rights) -> None:
    access = access_of(table)
    name = f"app.{table.name}"
    run = connection.exec_driver_sql
    run(f"alter table {name} enable row level security")
    run(f"alter table {name} force row level security")
    run(f"revoke all on {name} from public, so_app, so_worker, so_definer, so_backup")
    for verb in VERBS:
        if getattr(access, verb) is not None:
            _grant(connection, table, verb, access)
    wanted = policies_of(table)
    for who, role, rules in inner_rules(table, rights):
        run(f"grant {', '.join(rules)} on {name} to {role}")
        wanted |= policies_for(
            Access(
                rules.get("select"), rules.get("insert"), rules.get("update"), rules.get("delete")
            ),
            who,
            role,
        )
    _sync_policies(connection, table, wanted)


def _grant(connection: Connection, table: Table, verb: str, access: Access) -> None:
    columns: Sequence[str] = access.columns if verb == "select" else ()
    if verb == "update" and access.fixed:
        columns = [column.name for column in table.columns if column.name not in access.fixed]
    only = f"({', '.join(columns)})" if columns else ""
    connection.exec_driver_sql(f"grant {verb} {only} on app.{table.name} to so_app")
    connection.exec_driver_sql(f"grant {verb} on app.{table.name} to so_worker")


def _sync_policies(connection: Connection, table: Table, wanted: dict[str, Policy]) -> None:
    """Recreate only the policies that changed: each policy's comment holds the hash of its text."""
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
    if table.info.get("rls") == SETTINGS:
        connection.exec_driver_sql(
            f"create or replace trigger add_{table.name} after insert on {_tenants(table)} for each"
            f" row execute function app.add_settings('{table.name}')"
        )
