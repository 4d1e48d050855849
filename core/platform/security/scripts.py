"""The product's SQL scripts. Each package has its functions and triggers beside its tables.

``<package>/functions/*.sql`` are functions with the rights of ``so_definer``: for what must happen
before there is an identity, or what the identity itself may not do. ``<package>/triggers/*.sql``
are triggers with their functions, which run with the rights of whoever changes the row; they belong
to ``so_owner``. ``core/platform/security/*.sql``, which also belong to ``so_owner``, are loaded
before both: the functions that say who is asking, and the trigger functions common to all tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from core.platform.schema import run_script

ROOT = Path(__file__).parents[3]
BASE = Path(__file__).parent
# Nobody may run a function unless its script grants it. PostgreSQL would give every new function to
# everybody, and an earlier version may have left functions behind.
CLOSE = """
    alter default privileges revoke execute on functions from public;
    do $$ declare each regprocedure; begin
      for each in select oid from pg_proc where pronamespace = 'app'::regnamespace
        and proowner = current_user::regrole loop
        execute format('revoke all on function %s from public, so_app, so_worker', each);
      end loop;
    end $$
"""
# A declared trigger was written in this transaction or in one of its savepoints, which have later
# numbers; any other trigger is an earlier version's.
DROP_STALE_TRIGGERS = """
    do $$ declare each record; begin
      for each in select t.tgname, t.tgrelid::regclass as place from pg_trigger t
        join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = 'app'::regnamespace and not t.tgisinternal
          and age(t.xmin) > age(pg_current_xact_id()::xid) loop
        execute format('drop trigger %I on %s', each.tgname, each.place);
      end loop;
    end $$
"""


def scripts(packages: Iterable[str], kind: str) -> list[Path]:
    """The scripts of one kind, ``functions`` or ``triggers``, in the order of the packages."""
    folders = (ROOT.joinpath(*package.split("."), kind) for package in packages)
    return [script for folder in folders for script in sorted(folder.glob("*.sql"))]


def make_functions(connection: Connection, packages: Sequence[str], lists: str) -> None:
    """Create the functions of ``so_owner`` and of ``so_definer``, which begin with ``lists``."""
    connection.execute(text("grant create on schema app to so_definer"))
    _run(connection, "so_owner", _read(sorted(BASE.glob("*.sql"))))
    _run(connection, "so_definer", [lists, *_read(scripts(packages, "functions"))])
    connection.execute(text("revoke create on schema app from so_definer"))


def _read(files: Iterable[Path]) -> list[str]:
    return [script.read_text() for script in files]


def _run(connection: Connection, role: str, statements: Iterable[str]) -> None:
    connection.execute(text(f"set local role {role}"))
    for script in [CLOSE, *statements]:
        run_script(connection, script)
    connection.execute(text("reset role"))


def make_triggers(connection: Connection, packages: Sequence[str]) -> None:
    """Create the packages' triggers, and drop those that this version no longer declares. Must run
    as ``so_owner``, after the generated triggers.
    """
    for script in scripts(packages, "triggers"):
        run_script(connection, script.read_text())
    run_script(connection, DROP_STALE_TRIGGERS)
