"""A guard in every database of the tests: whoever writes a row that the roster reaches, as one of
the product's roles, without holding the organisation's books is refused. Without the lock all goes
well until two people write at the same moment.
"""

from __future__ import annotations

from functools import cache

import psycopg

from core.migrations.tables import metadata
from core.migrations.upgrade import migrate
from core.platform.schema import Follows, OwnedBy

# An erasure holds the whole organisation instead, and nobody writes in one that is being purged.
_GUARD = """
    create schema if not exists guards;
    create or replace function guards.require_books() returns trigger language plpgsql
    security definer set search_path = pg_catalog, pg_temp as $f$
    declare
      org uuid;
    begin
      if session_user not in ('so_app', 'so_worker') or app.cur_purged() is not null then
        return null;
      end if;
      for org in select distinct organization_id from written loop
        if not exists (
          select from pg_locks l
           where l.pid = pg_backend_pid() and l.locktype = 'advisory' and l.granted
             and l.mode = 'ExclusiveLock' and l.objsubid = 1
             and (l.classid::bigint << 32 | l.objid::bigint)
               in (app.books_key(org), hashtextextended(org::text, 0))) then
          raise exception '% of % without the lock on the books', tg_op, tg_table_name;
        end if;
      end loop;
      return null;
    end $f$;
"""


@cache
def guarded() -> tuple[str, ...]:
    """The tables whose rows name members of the roster, the rosters themselves, and the tables
    whose rows belong to the people of such a row: a member who is linked to another user changes
    them all in one transaction.
    """
    references = {
        (table.name, key.column_keys[-1]): key.referred_table.name
        for table in metadata.sorted_tables
        for key in table.foreign_key_constraints
    }
    owners = {table.name: table.info.get("owners") for table in metadata.sorted_tables}
    naming = {name: each.names for name, each in owners.items() if isinstance(each, OwnedBy)}
    rosters = {references[table, f"{name}_id"] for table in naming for name in naming[table]}
    following = {
        table
        for table, each in owners.items()
        if isinstance(each, Follows) and references.get((table, each.column)) in naming
    }
    return tuple(sorted(rosters.union(naming, following)))


def guard_books(url: str) -> None:
    """Installs the guard in the migrated database at ``url``, as its superuser."""
    with psycopg.connect(url) as connection:
        connection.execute(_GUARD)
        for table in guarded():
            for verb, rows in (("insert", "new"), ("update", "new"), ("delete", "old")):
                connection.execute(f"""
                    create or replace trigger guard_{verb} after {verb} on app.{table}
                      referencing {rows} table as written
                      for each statement execute function guards.require_books()
                """)


def migrate_again(url: str) -> None:
    """Migrates the tests' own database; that takes out what the product does not declare, as the
    guard.
    """
    migrate()
    guard_books(url)
